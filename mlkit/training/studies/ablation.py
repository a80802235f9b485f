"""Which features earn their cost: what is lost without each, and the time that it saves."""

from copy import copy
from dataclasses import dataclass, replace
from math import isnan
from time import perf_counter
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from mlkit.core.errors import FeaturizerError, first_line, listed
from mlkit.core.log import get_logger, stage
from mlkit.core.rows import read_table
from mlkit.core.table import Table
from mlkit.scoring.compiled import CompiledRuntime
from mlkit.training.compilation.compiler import compile_model
from mlkit.training.features import Featurizer
from mlkit.training.judging.evaluator import Evaluator
from mlkit.training.judging.findings import figure
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.resampling import Resampler, intervals
from mlkit.training.judging.sample import draw_sample
from mlkit.training.judging.tables import between
from mlkit.training.model import TrainedModel
from mlkit.training.trainer import Trainer

log = get_logger(__name__)

#: Rows that are scored at once to see how long that takes.
N_TIMED = 1_000
#: How often: the least time is what the machine's other work added nothing to.
N_ROUNDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablated:
    """What becomes of a model that is fitted without one feature.

    Attributes
    ----------
    loss
        How much worse it is, in the metric's units; below 0 it is better.
    low, high
        The paired bootstrap's interval of the loss.
    share
        Share of the scoring time that it takes to make and to encode the feature;
        NaN where it could not be measured.
    """

    feature: str
    loss: float
    low: float
    high: float
    share: float

    @property
    def earns(self) -> bool:
        """Whether the model is worse without, beyond what chance explains."""
        return self.low > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What each feature is worth and costs, the most worth first.

    Attributes
    ----------
    value
        The metric of the model with all features.
    n_rows
        Rows that all were judged on: held out of the training rows.
    timed
        What was timed, in words.
    """

    metric: str
    value: float
    level: float
    n_rows: int
    timed: str
    features: tuple[Ablated, ...]

    def table(self) -> str:
        """Return it as a table."""
        head = ("without", f"{self.metric} lost", f"{self.level:.0%} interval", "scoring time")
        rows = (
            (
                each.feature,
                figure(each.loss),
                between(each.low, each.high),
                "not known" if isnan(each.share) else f"{each.share:.1%}",
                "yes" if each.earns else "not shown",
            )
            for each in self.features
        )
        return Table(head=(*head, "earns it"), rows=tuple(rows), ends_in_text=True).plain()

    def summary(self) -> str:
        """Return what was judged and timed, the table, and the features that may go."""
        idle = [each.feature for each in self.features if not each.earns]
        advice = (
            f"Not shown to earn their cost, each taken alone: {listed(idle, most=20)}. "
            "Two that tell the same look idle beside each other: take the last of the table out "
            "of the featurizer, and ask again."
            if idle
            else "Every feature earns its cost."
        )
        return "\n\n".join(
            [
                f"With all features {self.metric} is {figure(self.value)}, on {self.n_rows:,} rows "
                f"held out of the training rows. Timed: {self.timed}.",
                self.table(),
                advice,
            ]
        )


class Without(Featurizer):
    """Makes the features that another featurizer makes, but for one.

    Attributes
    ----------
    featurizer_
        The other one, fitted.
    """

    def __init__(self, featurizer: Featurizer, feature: str) -> None:
        self.featurizer = featurizer
        self.feature = feature

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Self:
        """Fit the other one."""
        self.featurizer_ = clone(self.featurizer).fit(frame, target)
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame` that are left."""
        features: pd.DataFrame = self.featurizer_.transform(frame)
        return features.drop(columns=self.feature)


class Muted(Featurizer):
    """Makes the features that a fitted featurizer makes, with one value for all rows in one."""

    def __init__(self, featurizer: Featurizer, feature: str, value: Any) -> None:
        self.featurizer = featurizer
        self.feature = feature
        self.value = value

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, one of them constant."""
        features: pd.DataFrame = self.featurizer.transform(frame)
        return features.assign(**{self.feature: self.value})


def ablate(trainer: Trainer, evaluator: Evaluator, frame: pd.DataFrame) -> Ablation:
    """Fit a model without each feature in turn, and hold it against that with all.

    Nothing of the trainer's holdout is looked at: its training rows are split once
    more in the same way, and all models are fitted and judged on these parts. The
    intervals are of the rows that were drawn; that another seed would fit other
    models is not in them.

    Parameters
    ----------
    trainer
        How the models are fitted.
    evaluator
        Its first metric, its bootstrap and its seed are used.
    frame
        Raw rows, as for `Trainer.fit`.

    Raises
    ------
    MlkitError
        As `Trainer.fit` does, or if there is but one feature.
    """
    inner = copy(trainer)
    inner.splitter = replace(trainer.splitter, cut=None)
    rows, _ = trainer.prepare(frame).training()
    whole = inner.fit(rows)
    holdout = whole.holdout(rows)
    sample = draw_sample(whole, holdout, held_out=True)
    names = list(whole.features(sample.frame.head(1)).columns)
    if len(names) < 2:
        raise FeaturizerError(f"There is one feature, {listed(names)}: without it none is left.")
    models = []
    for number, name in enumerate(names, start=1):
        with stage(log, "ablation", feature=str(name), number=number, of=len(names)):
            varied = copy(inner)
            varied.featurizer = Without(trainer.featurizer, name)
            models.append(varied.fit(rows))
    metric = evaluator.check_metrics(trainer.target.task)[0]
    measure = METRICS[trainer.target.task][metric]
    resampler = Resampler(
        len(sample.codes),
        n_resamples=evaluator.n_resamples,
        seed=evaluator.seed,
        clusters=sample.clusters,
    )
    of_whole = measure.prepare(sample.codes, sample.scores, whole.threshold)
    prepared = [measure.prepare(sample.codes, m.scores(sample.frame), m.threshold) for m in models]

    def losses(weights: np.ndarray) -> list[float]:
        value = of_whole(weights)
        return [measure.gain(value, metric(weights)) for metric in prepared]

    ones = np.ones(len(sample.codes))
    bounds = intervals(resampler.draws(losses), evaluator.level, [resampler.n_units] * len(names))
    shares, timed = _shares(whole, sample.frame.head(N_TIMED))
    found = [
        Ablated(feature=str(name), loss=loss, low=low, high=high, share=share)
        for name, loss, low, high, share in zip(
            names, losses(ones), *bounds.tolist(), shares, strict=True
        )
    ]
    return Ablation(
        metric=metric,
        value=of_whole(ones),
        level=evaluator.level,
        n_rows=len(sample.codes),
        timed=timed,
        features=tuple(sorted(found, key=lambda each: -each.loss)),
    )


def _shares(model: TrainedModel, frame: pd.DataFrame) -> tuple[list[float], str]:
    """Return the share of the scoring time that each feature takes, and what was timed.

    A graph holds only what its outputs need: where a feature is one value for all
    rows, what makes it is gone, and the steps behind it are the same. Of Python code
    that cannot be said.
    """
    features = model.features(frame)
    rows = read_table(model.schema, frame[model.schema.names(known_before=True)])
    whole = _compiled(model)
    if whole is None:
        return [np.nan] * features.shape[1], "nothing, since the model does not compile"
    muted = [_compiled(_muted(model, name, values)) for name, values in features.items()]
    runtimes = [whole, *(graph for graph in muted if graph is not None)]
    least = np.full(len(runtimes), np.inf)
    for _ in range(N_ROUNDS):
        for place, runtime in enumerate(runtimes):
            start = perf_counter()
            runtime.scores(rows)
            least[place] = min(least[place], perf_counter() - start)
    # A feature that takes no longer than its constant takes nothing that could be told.
    found = iter(np.maximum(1 - least[1:] / least[0], 0).tolist())
    shares = [np.nan if graph is None else next(found) for graph in muted]
    return shares, f"the compiled function, {len(frame):,} rows at once"


def _muted(model: TrainedModel, name: Any, values: pd.Series) -> TrainedModel:
    known = values.dropna()
    value = known.iloc[0] if len(known) else np.nan
    (_, featurizer), *others = model.pipeline.steps
    muted = Muted(featurizer, name, value.item() if hasattr(value, "item") else value)
    return replace(model, pipeline=Pipeline([("featurizer", muted), *others]))


def _compiled(model: TrainedModel) -> CompiledRuntime | None:
    try:
        graph = compile_model(model)
        return CompiledRuntime(graph.graph, model.schema, graph.inputs)
    except Exception as error:  # noqa: BLE001
        # skl2onnx and ONNX Runtime raise what they like.
        log.debug("feature_not_timed", reason=first_line(error))
        return None
