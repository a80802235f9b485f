"""Judge a model on rows that it has not seen, beside what anybody could guess."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.log import get_logger, stage
from mlkit.training.judging.curves import curves
from mlkit.training.judging.evaluation import Evaluation, Part, Score
from mlkit.training.judging.figures import Figures
from mlkit.training.judging.gates import Gate, check_gates, judged
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.judging.sample import Sample, draw_sample
from mlkit.training.judging.slices import Slice, slices
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
        values too, see `mlkit.training.judging.slices.slices`.
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
        chosen = self.check_metrics(model.target.task)
        with stage(log, "evaluation", n_rows=len(frame), n_resamples=self.n_resamples):
            sample = draw_sample(model, frame, held_out=held_out)
            clusters, drawn = sample.clusters(model)
            resampler = Resampler(
                len(sample.codes),
                n_resamples=self.n_resamples,
                seed=self.seed,
                clusters=clusters,
            )
            parts = slices(sample.frame, model.schema, self.slices, least=self.least_rows)
            whole, *by_slice = self._scored(model, sample, chosen, parts, resampler)
        parted = tuple(
            Part(name=part.name, column=part.column, n_rows=len(part.rows), scores=scored)
            for part, scored in zip(parts, by_slice, strict=True)
        )
        return Evaluation(
            scores=whole,
            slices=parted,
            gates=tuple(judged(self.gates, whole, parted)),
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
        )

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
        chosen = list(self.metrics or (name for name in valid if valid[name].is_default))
        check_gates(self.gates, task, chosen, self.slices)
        return chosen
