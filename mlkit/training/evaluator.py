"""Judge a model on rows that it has not seen, beside what anybody could guess."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, DataError, listed, nearest
from mlkit.core.log import get_logger, stage
from mlkit.training.evaluation import Evaluation, Part, Score
from mlkit.training.frames import fingerprints
from mlkit.training.gates import Gate, check_gates, judged
from mlkit.training.metrics import METRICS, Prepare
from mlkit.training.resampling import Figures, Resampler, intervals
from mlkit.training.slices import slices
from mlkit.training.splitting import grouped, shared_key
from mlkit.training.trainer import TrainedModel

log = get_logger(__name__)


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
        Seed of the draws. Days are drawn where the schema has an event time, else
        whole groups where rows share a key, for their rows are not independent.
    slices
        Columns of the schema; the model is judged on the rows of each of their
        values too, see `mlkit.training.slices.slices`.
    least_rows
        Rows that a slice must have.
    gates
        What the model must reach to ship.

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
        slices: Sequence[str] = (),
        least_rows: int = 100,
        gates: Sequence[Gate] = (),
    ) -> None:
        if not 0 < level < 1:
            raise ConfigError(f"evaluation.level must lie between 0 and 1, got {level}.")
        if n_resamples < 0:
            raise ConfigError(f"evaluation.n_resamples must not be negative, got {n_resamples}.")
        self.metrics = metrics
        self.n_resamples = n_resamples
        self.level = level
        self.seed = seed
        self.slices = slices
        self.least_rows = least_rows
        self.gates = gates

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
            parts = slices(frame, model.schema, self.slices, least=self.least_rows)
            # Where each row of the frame is in that order.
            places = np.empty(len(order), dtype="int64")
            places[order] = np.arange(len(order))
            rows = [slice(None), *(np.sort(places[part.rows]) for part in parts)]
            clusters, drawn = _clusters(frame, model)
            resampler = Resampler(
                len(codes),
                n_resamples=self.n_resamples,
                seed=self.seed,
                clusters=None if clusters is None else clusters[order],
            )
            figures = _figures([METRICS[task][name] for name in chosen], rows, codes, scores)
            guesses = _figures([METRICS[task][name] for name in chosen], rows, codes, naive)
            ones = np.ones(len(codes))
            found = np.stack(
                [
                    figures(ones),
                    *intervals(resampler.draws(figures), self.level, len(rows) * len(chosen)),
                    guesses(ones),
                ]
            ).reshape(4, len(rows), len(chosen))
        whole, *by_slice = (
            tuple(
                Score(metric=name, value=value, low=low, high=high, baseline=baseline)
                for name, value, low, high, baseline in zip(
                    chosen, *found[:, part].tolist(), strict=True
                )
            )
            for part in range(len(rows))
        )
        parted = tuple(
            Part(name=part.name, column=part.column, n_rows=len(part.rows), scores=scored)
            for part, scored in zip(parts, by_slice, strict=True)
        )
        return Evaluation(
            scores=whole,
            slices=parted,
            gates=tuple(judged(self.gates, whole, parted)),
            drawn=drawn,
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
        chosen = list(self.metrics or valid)
        check_gates(self.gates, task, chosen, self.slices)
        return chosen


def _figures(
    prepare: Sequence[Prepare], parts: Sequence[Any], codes: np.ndarray, scores: np.ndarray
) -> Figures:
    """Return what computes every metric on every part of the rows, under any weights."""
    prepared = [(rows, [make(codes[rows], scores[rows]) for make in prepare]) for rows in parts]

    def figures(weights: np.ndarray) -> list[float]:
        found: list[float] = []
        for rows, metrics in prepared:
            own = weights[rows]
            found += [metric(own) for metric in metrics] if own.any() else [np.nan] * len(metrics)
        return found

    return figures


def _clusters(frame: pd.DataFrame, model: TrainedModel) -> tuple[np.ndarray | None, str]:
    """Return which rows are alike for a reason of their own, and what they share.

    Rows of one day share its weather, rows of one key whatever it stands for.
    """
    name = model.schema.event_time()
    if name is not None:
        days = frame[name].dt.floor("D")
        if 1 < days.nunique() < len(days):
            return pd.factorize(days, use_na_sentinel=False)[0], f"days of {name}"
    key = shared_key(frame, model.schema)
    if key is not None:
        return grouped(frame[key]), f"values of {key}"
    return None, "rows"


def _among(prints: np.ndarray, training_rows: np.ndarray) -> np.ndarray:
    """Return which rows are among the training rows, each of which accounts for one of them."""
    copies = pd.Series(prints).groupby(prints).cumcount().to_numpy()
    first = np.searchsorted(training_rows, prints, side="left")
    known = np.searchsorted(training_rows, prints, side="right") - first
    is_among: np.ndarray = copies < known
    return is_among
