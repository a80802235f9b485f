"""Judge a model on rows that it has not seen, beside what anybody could guess."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, DataError, listed, nearest
from mlkit.core.log import get_logger, stage
from mlkit.training.frames import fingerprints
from mlkit.training.metrics import METRICS, bootstrap
from mlkit.training.trainer import TrainedModel

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric on one set of rows, with its bootstrap interval and the naive baseline's value."""

    metric: str
    value: float
    low: float
    high: float
    baseline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found on which rows.

    Attributes
    ----------
    scores
        One for each metric.
    level
        Coverage of the intervals, such as 0.95.
    n_rows
        Rows that were judged.
    n_unlabelled
        Rows left out because their target is missing.
    n_seen
        Rows left out because the model was trained on them.
    holdout
        How the rows were chosen, in words.
    """

    scores: tuple[Score, ...]
    level: float
    n_rows: int
    n_unlabelled: int
    n_seen: int
    holdout: str

    def __getitem__(self, metric: str) -> Score:
        for score in self.scores:
            if score.metric == metric:
                return score
        raise KeyError(metric)

    def to_json(self) -> str:
        """Write the evaluation as JSON, to be read back by `from_json`."""
        return msgspec.json.format(msgspec.json.encode(asdict(self)), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evaluation":
        """Read what `to_json` wrote; intervals that were not computed are NaN."""
        form: dict[str, Any] = msgspec.json.decode(text)
        for score in form["scores"]:
            score.update({key: np.nan for key, value in score.items() if value is None})
        return msgspec.convert(form, cls)

    def table(self) -> str:
        """Return the scores as a Markdown table."""
        interval = f"{self.level:.0%} interval"
        lines = [f"| metric | value | {interval} | naive baseline |", "|---|---|---|---|"]
        lines += [
            f"| {score.metric} | {score.value:.4f} | {score.low:.4f} to {score.high:.4f} "
            f"| {score.baseline:.4f} |"
            for score in self.scores
        ]
        return "\n".join(lines)

    def summary(self) -> str:
        """Return what was judged, and the table."""
        left_out = [
            f"{count:,} {why}"
            for count, why in (
                (self.n_unlabelled, "without a target"),
                (self.n_seen, "that the model was trained on"),
            )
            if count
        ]
        text = f"Judged on {self.n_rows:,} rows ({self.holdout})"
        text += f"; left out {' and '.join(left_out)}." if left_out else "."
        return f"{text}\n\n{self.table()}"


class Evaluator:
    """Compute metrics with bootstrap intervals, and the naive baseline's beside them.

    Parameters
    ----------
    metrics
        Names of the metrics; by default all that fit the task. Binary:
        roc_auc, average_precision, log_loss, brier, accuracy. Multiclass:
        log_loss, accuracy, macro_f1. Regression: mae, rmse, r2.
    n_resamples
        Draws of the bootstrap.
    level
        Coverage of the intervals.
    seed
        Seed of the draws.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    def __init__(
        self,
        *,
        metrics: Sequence[str] | None = None,
        n_resamples: int = 500,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        if not 0 < level < 1:
            raise ConfigError(f"evaluation.level must lie between 0 and 1, got {level}.")
        if n_resamples < 0:
            raise ConfigError(f"evaluation.n_resamples must not be negative, got {n_resamples}.")
        self.metrics = metrics
        self.n_resamples = n_resamples
        self.level = level
        self.seed = seed

    def evaluate(
        self, model: TrainedModel, frame: pd.DataFrame, *, held_out: bool = False
    ) -> Evaluation:
        """Judge `model` on the labelled rows of `frame` that it was not trained on.

        Parameters
        ----------
        model
            What to judge.
        frame
            Raw rows of the model's schema, with their targets.
        held_out
            Whether these rows are the holdout (`TrainedModel.holdout`), so that
            none is left out. Otherwise, of rows that are alike, as many are left
            out as the model was trained on.

        Raises
        ------
        DataError
            If the rows break the schema, carry unknown labels, or none are left.
        ConfigError
            If a metric does not fit the task.
        """
        task = model.target.task
        chosen = self.check_metrics(task)
        frame = model.schema.validate(frame)
        answers = model.target.values(frame)
        is_labelled = answers.notna().to_numpy()
        is_seen = np.zeros(len(frame), dtype=bool)
        if not held_out:
            prints = fingerprints(frame[model.target.judged_columns(model.schema)])
            is_seen = is_labelled & _among(prints, model.training_rows)
        keep = is_labelled & ~is_seen
        if not keep.any():
            raise DataError(
                f"None of the {len(frame):,} rows can be judged: {int((~is_labelled).sum()):,} "
                f"have no {model.target.column}, and the model was trained on "
                f"{int(is_seen.sum()):,}. Bring labelled rows that it has not seen."
            )
        frame = frame.iloc[keep]
        codes = model.target.codes(answers.iloc[keep], model.classes)
        with stage(log, "evaluation", n_rows=len(frame), n_resamples=self.n_resamples):
            scores = model.scores(frame)
            # In the order of the scores, ranking metrics resample without a gather.
            order = np.argsort(scores.reshape(len(scores), -1)[:, 0], kind="stable")
            scores, codes = scores[order], codes[order]
            naive = np.broadcast_to(
                model.prior[1] if task == "binary" else model.prior,
                scores.shape,
            ).astype("float64")
            prepared = {name: METRICS[task][name](codes, scores) for name in chosen}
            intervals = bootstrap(
                prepared,
                len(codes),
                n_resamples=self.n_resamples,
                level=self.level,
                seed=self.seed,
            )
            ones = np.ones(len(codes))
            baseline = {name: METRICS[task][name](codes, naive)(ones) for name in chosen}
        return Evaluation(
            scores=tuple(
                Score(metric=name, value=value, low=low, high=high, baseline=baseline[name])
                for name, (value, low, high) in intervals.items()
            ),
            level=self.level,
            n_rows=len(codes),
            n_unlabelled=int((~is_labelled).sum()),
            n_seen=int(is_seen.sum()),
            holdout=model.split.description
            if held_out and model.split
            else "those that the model was not trained on",
        )

    def check_metrics(self, task: str) -> list[str]:
        """Return the names of the metrics, or raise a ConfigError that lists the valid ones."""
        valid = METRICS[task]
        for name in self.metrics or ():
            if name not in valid:
                raise ConfigError(
                    f"The metric {name} does not fit a {task} target. {nearest(name, valid)} "
                    f"It takes {listed(valid)}."
                )
        return list(self.metrics or valid)


def _among(prints: np.ndarray, training_rows: np.ndarray) -> np.ndarray:
    """Return which rows are among the training rows, each of which accounts for one of them."""
    copies = pd.Series(prints).groupby(prints).cumcount().to_numpy()
    first = np.searchsorted(training_rows, prints, side="left")
    known = np.searchsorted(training_rows, prints, side="right") - first
    is_among: np.ndarray = copies < known
    return is_among
