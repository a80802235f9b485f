"""Which features earn their cost: what is lost without each, and the time that it saves."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import isnan
from time import perf_counter
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeRegressor

from mlkit.core.errors import FeaturizerError, first_line, listed
from mlkit.core.log import get_logger, stage
from mlkit.core.rows import read_table
from mlkit.core.table import Table
from mlkit.scoring.compiled import CompiledRuntime
from mlkit.training.compilation.compiler import Compiled, compile_model
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
#: How often, each time that the graph is loaded, and how often it is loaded: the least
#: time is what the machine's other work, and where in memory it lies, added nothing to.
N_ROUNDS = 40
N_LOADS = 5
#: Shares of the scoring time differ by about half of this from one run to the next.
LEAST_SHARE = 0.02


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

    def cost(self) -> str:
        """Return the share in whole percents, for times are known no better."""
        if isnan(self.share):
            return "not known"
        return f"below {LEAST_SHARE:.0%}" if self.share < LEAST_SHARE else f"{self.share:.0%}"

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
                each.cost(),
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
    shares, timed = _shares(whole, models, sample.frame.head(N_TIMED))
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


def _shares(
    whole: TrainedModel, models: Sequence[TrainedModel], frame: pd.DataFrame
) -> tuple[list[float], str]:
    """Return the share of the scoring time that each feature takes, and what was timed.

    What makes and encodes the features is timed with all of them, and without each.
    Whole models cannot be held against each other: without a feature an estimator
    becomes another one, whose trees may be larger. Of Python code it cannot be said
    what is spared.
    """
    unknown = [np.nan] * len(models)
    rows = read_table(whole.schema, frame[whole.schema.names(known_before=True)])
    scoring = _compiled(whole)
    making = _compiled(_bare(whole, frame))
    if scoring is None or making is None:
        return unknown, "nothing, since the model does not compile"
    without = [_compiled(_bare(model, frame)) for model in models]
    graphs = [scoring, making, *(graph for graph in without if graph is not None)]
    least = np.full(len(graphs), np.inf)
    rng = np.random.default_rng(0)
    for _ in range(N_LOADS):
        runtimes = [CompiledRuntime(each.graph, whole.schema, each.inputs) for each in graphs]
        for _ in range(N_ROUNDS):
            # What runs before leaves its marks on the processor's memory.
            for place in rng.permutation(len(runtimes)):
                start = perf_counter()
                runtimes[place].scores(rows)
                least[place] = min(least[place], perf_counter() - start)
    found = iter(np.maximum((least[1] - least[2:]) / least[0], 0).tolist())
    shares = [np.nan if graph is None else next(found) for graph in without]
    return shares, f"the compiled function, {len(frame):,} rows at once"


def _bare(model: TrainedModel, frame: pd.DataFrame) -> TrainedModel:
    """Return the model with the least estimator that takes all that is encoded: one split."""
    making = model.pipeline[:2]
    encoded = making.transform(frame[model.schema.names(known_before=True)])
    stump = DecisionTreeRegressor(max_depth=1, random_state=0).fit(encoded, np.arange(len(encoded)))
    return replace(model, pipeline=Pipeline([*making.steps, ("estimator", stump)]))


def _compiled(model: TrainedModel) -> Compiled | None:
    try:
        graph = compile_model(model)
        CompiledRuntime(graph.graph, model.schema, graph.inputs)
    except Exception as error:  # noqa: BLE001
        # skl2onnx and ONNX Runtime raise what they like.
        log.debug("feature_not_timed", reason=first_line(error))
        return None
    return graph
