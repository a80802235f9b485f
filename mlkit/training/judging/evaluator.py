"""Judge a model on rows that it has not seen, beside what anybody could guess."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema, check_name
from mlkit.training.judging.banned import banned_verdict
from mlkit.training.judging.comparison import check_comparable, compare
from mlkit.training.judging.curves import curves
from mlkit.training.judging.evaluation import Evaluation, Leak, Part, Score
from mlkit.training.judging.figures import Figures
from mlkit.training.judging.gates import Gate, check_gates
from mlkit.training.judging.importance import contributions
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.judging.sample import Sample, draw_sample
from mlkit.training.judging.slices import Slice, slices
from mlkit.training.judging.verdicts import judged
from mlkit.training.judging.weak import row_losses, worst_parts
from mlkit.training.trainer import TrainedModel

log = get_logger(__name__)

#: With fewer clusters, percentile intervals cover less than they say: at a level of 95 %, 94 %
#: of the time with 30 of them, 92 % with 14, 87 % with 7 (simulated means of normal values).
LEAST_CLUSTERS = 30


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
        values too, see `mlkit.training.judging.slices.slices`.
    least_rows
        Rows that a slice must have.
    gates
        What the model must reach to ship.
    banned
        Columns of the schema that the model must not read; a gate of their own.
    n_repeats
        Shuffles of each feature, to see what it contributes to the first of the
        metrics; with 0 that is not computed.

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
        banned: Sequence[str] = (),
        n_repeats: int = 5,
    ) -> None:
        if not 0 < level < 1:
            raise ConfigError(f"evaluation.level must lie between 0 and 1, got {level}.")
        if n_resamples < 0:
            raise ConfigError(f"evaluation.n_resamples must not be negative, got {n_resamples}.")
        if n_repeats < 0:
            raise ConfigError(f"evaluation.n_repeats must not be negative, got {n_repeats}.")
        self.metrics = metrics
        self.n_resamples = n_resamples
        self.level = level
        self.seed = seed
        self.slices = slices
        self.least_rows = least_rows
        self.gates = gates
        self.banned = banned
        self.n_repeats = n_repeats

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
        chosen = self.check_metrics(model.target.task)
        self.check_columns(model.schema)
        others = []
        if champion is not None:
            check_comparable(model, champion)
            others = [champion]
        with stage(log, "evaluation", n_rows=len(frame), n_resamples=self.n_resamples):
            sample = draw_sample(model, frame, held_out=held_out, others=others)
            clusters, drawn = sample.clusters(model)
            resampler = Resampler(
                len(sample.codes),
                n_resamples=self.n_resamples,
                seed=self.seed,
                clusters=clusters,
            )
            if self.n_resamples and resampler.n_units < LEAST_CLUSTERS and clusters is not None:
                log.warning("intervals_too_narrow", drawn=drawn, n_drawn=resampler.n_units)
            parts = slices(sample.frame, model.schema, self.slices, least=self.least_rows)
            worst = worst_parts(
                sample.frame,
                row_losses(sample.codes, sample.scores),
                model.schema,
                clusters=clusters,
                least=self.least_rows,
                seed=self.seed,
            )
            whole, *by_slice = self._scored(model, sample, chosen, [*parts, *worst], resampler)
            contributed = contributions(
                model,
                sample,
                chosen[0],
                n_repeats=self.n_repeats,
                n_resamples=self.n_resamples,
                level=self.level,
                seed=self.seed,
            )
            comparison = None
            if champion is not None:
                comparison = compare(
                    sample,
                    sample.others[0],
                    name=champion.name,
                    task=model.target.task,
                    metrics=chosen,
                    parts=parts,
                    resampler=resampler,
                    level=self.level,
                    thresholds=(model.threshold, champion.threshold),
                )
        parted = tuple(
            Part(name=part.name, column=part.column, n_rows=len(part.rows), scores=scored)
            for part, scored in zip([*parts, *worst], by_slice, strict=True)
        )
        parted, weak = parted[: len(parts)], parted[len(parts) :]
        evaluation = Evaluation(
            scores=whole,
            slices=parted,
            worst=weak,
            contributions=contributed,
            comparison=comparison,
            leaks=tuple(leaks),
            curves=curves(model.target.task, model.classes, sample.codes, sample.scores),
            threshold=model.threshold,
            drawn=drawn,
            level=self.level,
            n_rows=len(sample.codes),
            n_unlabelled=sample.n_unlabelled,
            n_seen=sample.n_seen,
            holdout=model.split.description
            if held_out and model.split
            else "those that the model was not trained on",
            rows_digest=sample.digest,
        )
        verdicts = judged(self.gates, evaluation)
        if self.banned:
            verdicts.append(banned_verdict(model, sample.frame, self.banned, self.seed))
        return replace(evaluation, gates=tuple(verdicts))

    def _scored(
        self,
        model: TrainedModel,
        sample: Sample,
        chosen: Sequence[str],
        parts: Sequence[Slice],
        resampler: Resampler,
    ) -> list[tuple[Score, ...]]:
        """Return the scores of all rows, then those of each part."""
        measures = [METRICS[model.target.task][name] for name in chosen]
        rows = [part.rows for part in parts]

        def figures(scores: np.ndarray) -> Figures:
            return Figures(measures, sample.codes, scores, rows, model.threshold)

        naive = figures(model.naive_scores(len(sample.codes))).values()
        simple = figures(model.simple_scores(sample.frame)).values()
        own = figures(sample.scores)
        bounds = intervals(resampler.draws(own), self.level, naive.size)
        low, high = bounds.reshape(2, *naive.shape)
        found = np.stack([own.values(), low, high, naive, simple])
        return [
            tuple(
                Score(metric=name, value=value, low=low, high=high, baseline=guess, simple=plain)
                for name, value, low, high, guess, plain in zip(
                    chosen, *found[:, part].tolist(), strict=True
                )
            )
            for part in range(1 + len(parts))
        ]

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
