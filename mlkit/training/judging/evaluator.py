"""Judge a model on rows that it has not seen, beside what anybody could guess."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema, check_name
from mlkit.training.judging.banned import banned_verdict
from mlkit.training.judging.comparison import check_comparable, compare
from mlkit.training.judging.curves import curves
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import Comparison, Contribution, Leak, Verdict
from mlkit.training.judging.gates import Gate, check_gates
from mlkit.training.judging.importance import contributions
from mlkit.training.judging.metrics import METRICS, row_losses
from mlkit.training.judging.resampling import Resampler
from mlkit.training.judging.sample import Sample, draw_sample
from mlkit.training.judging.scores import scored
from mlkit.training.judging.slices import Slice, slices
from mlkit.training.judging.verdicts import judged
from mlkit.training.judging.worst import worst_slices
from mlkit.training.model import TrainedModel

log = get_logger(__name__)

#: Clusters below which the log warns: their spread is hardly known.
LEAST_CLUSTERS = 30


class Evaluator:
    """Judge a model: how good it is, how sure that is, where it fails, and whether it may ship.

    Parameters
    ----------
    metrics
        Names of the metrics; by default those that fit the task, but for the ones
        in brackets, and those that a gate names. Binary: roc_auc,
        average_precision, log_loss, brier, ece, accuracy, f1 (precision, recall,
        positive_rate). Multiclass: log_loss, accuracy, macro_f1. Regression: mae,
        rmse, r2 (pinball_10, pinball_50, pinball_90). What features contribute is
        told in the first one.
    slices
        Columns of the schema; the model is judged on the rows of each of their
        values too, see `mlkit.training.judging.slices.slices`.
    least_rows
        Rows that a slice must have.
    gates
        What the model must reach to ship.
    banned
        Columns of the schema that the model must not read; a gate of their own.
    n_resamples
        Draws of the bootstrap; with 0 there are no intervals. Days are drawn where
        the schema has an event time, else whole groups where rows share a key, for
        their rows are not independent.
    level
        Coverage of the intervals.
    n_repeats
        Shuffles of each feature, to see what it contributes; with 0 that is not
        computed.
    seed
        Seed of the draws and the shuffles.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    def __init__(
        self,
        *,
        metrics: Sequence[str] | None = None,
        slices: Sequence[str] = (),
        least_rows: int = 100,
        gates: Sequence[Gate] = (),
        banned: Sequence[str] = (),
        n_resamples: int = 500,
        level: float = 0.95,
        n_repeats: int = 5,
        seed: int = 0,
    ) -> None:
        if not 0 < level < 1:
            raise ConfigError(f"evaluation.level must lie between 0 and 1, got {level}.")
        if n_resamples < 0:
            raise ConfigError(f"evaluation.n_resamples must not be negative, got {n_resamples}.")
        if n_repeats < 0:
            raise ConfigError(f"evaluation.n_repeats must not be negative, got {n_repeats}.")
        self.metrics = metrics
        self.slices = slices
        self.least_rows = least_rows
        self.gates = gates
        self.banned = banned
        self.n_resamples = n_resamples
        self.level = level
        self.n_repeats = n_repeats
        self.seed = seed

    def evaluate(
        self,
        model: TrainedModel,
        frame: pd.DataFrame,
        *,
        held_out: bool = False,
        champion: TrainedModel | None = None,
        leaks: Sequence[Leak] = (),
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
        champion
            What to compare with, on the rows that neither has seen.
        leaks
            What `hunt_leaks` has found; kept, and counted by a gate on `leaks`.

        Raises
        ------
        DataError
            If the rows break a schema, carry unknown labels, or none are left.
        ConfigError
            If a metric does not fit the task, a column is none of the schema's,
            or the champion predicts something else.
        """
        metrics = self.check_metrics(model.target.task)
        self.check_columns(model.schema)
        if champion is not None:
            check_comparable(model, champion)
        with stage(log, "evaluation", n_rows=len(frame), n_resamples=self.n_resamples):
            sample = draw_sample(model, frame, held_out=held_out, champion=champion)
            resampler = self._resampler(sample)
            asked = slices(sample.frame, model.schema, self.slices, least=self.least_rows)
            worst = self._worst(model, sample)
            scores, by_slice = scored(
                model, sample, metrics, [*asked, *worst], resampler=resampler, level=self.level
            )
            found = Evaluation(
                scores=scores,
                slices=by_slice[: len(asked)],
                worst=by_slice[len(asked) :],
                contributions=self._contributions(model, sample, metrics[0]),
                comparison=self._comparison(model, champion, sample, metrics, asked, resampler),
                leaks=tuple(leaks),
                curves=curves(model.target.task, model.classes, sample.codes, sample.scores),
                threshold=model.threshold,
                drawn=sample.drawn,
                level=self.level,
                n_rows=len(sample.codes),
                n_unlabelled=sample.n_unlabelled,
                n_seen=sample.n_seen,
                holdout=_holdout(model, held_out=held_out),
                rows_digest=sample.digest,
            )
            return replace(found, gates=self._verdicts(model, sample, found))

    def _resampler(self, sample: Sample) -> Resampler:
        resampler = Resampler(
            len(sample.codes),
            n_resamples=self.n_resamples,
            seed=self.seed,
            clusters=sample.clusters,
        )
        is_clustered = sample.clusters is not None
        if self.n_resamples and is_clustered and resampler.n_units < LEAST_CLUSTERS:
            log.warning("few_units_drawn", drawn=sample.drawn, n_drawn=resampler.n_units)
        return resampler

    def _worst(self, model: TrainedModel, sample: Sample) -> list[Slice]:
        return worst_slices(
            sample.frame,
            row_losses(sample.codes, sample.scores),
            model.schema,
            clusters=sample.clusters,
            least=self.least_rows,
            seed=self.seed,
        )

    def _contributions(
        self, model: TrainedModel, sample: Sample, metric: str
    ) -> tuple[Contribution, ...]:
        if not model.is_as_packed:
            return ()
        return contributions(
            model,
            sample,
            metric,
            n_repeats=self.n_repeats,
            n_resamples=self.n_resamples,
            level=self.level,
            seed=self.seed,
        )

    def _comparison(
        self,
        model: TrainedModel,
        champion: TrainedModel | None,
        sample: Sample,
        metrics: Sequence[str],
        asked: Sequence[Slice],
        resampler: Resampler,
    ) -> Comparison | None:
        if champion is None or sample.champion is None:
            return None
        return compare(
            sample,
            sample.champion,
            name=champion.name,
            task=model.target.task,
            metrics=metrics,
            slices=asked,
            resampler=resampler,
            level=self.level,
            thresholds=(model.threshold, champion.threshold),
        )

    def _verdicts(
        self, model: TrainedModel, sample: Sample, evaluation: Evaluation
    ) -> tuple[Verdict, ...]:
        found = judged(self.gates, evaluation)
        if self.banned:
            found.append(banned_verdict(model, sample.frame, self.banned, self.seed))
        return tuple(found)

    def check_metrics(self, task: str) -> list[str]:
        """Return the names of the metrics, or raise a ConfigError that lists the valid ones."""
        valid = METRICS[task]
        for name in self.metrics or ():
            if name not in valid:
                raise ConfigError(
                    f"The metric {name} does not fit a {task} target. {nearest(name, valid)} "
                    f"It takes {listed(valid)}."
                )
        gated = {gate.metric for gate in self.gates}
        chosen = list(
            self.metrics or (name for name in valid if valid[name].is_default or name in gated)
        )
        check_gates(self.gates, task, chosen, self.slices)
        return chosen

    def check_columns(self, schema: type[Schema]) -> None:
        """Raise a ConfigError if a column to cut by, or a banned one, is none of the schema's."""
        for name in (*self.slices, *self.banned):
            check_name(schema, name)


def _holdout(model: TrainedModel, *, held_out: bool) -> str:
    """Return how the rows were chosen, in words."""
    if held_out and model.split is not None:
        return model.split.description
    return "those that the model was not trained on"
