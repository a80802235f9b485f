"""Each estimator, compiled, says what its library says, with missing and unseen values."""

import dataclasses
from datetime import datetime
from importlib import import_module
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml
from bundles_of_tests import bundle_of
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template
from lightgbm import LGBMClassifier, LGBMRegressor
from projects import ROOT
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.linear_model import (
    LogisticRegression,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from mlkit import (
    Featurizer,
    Schema,
    Splitter,
    TableEncoder,
    Target,
    Trainer,
    column,
)
from mlkit.core.bundle import Parity
from mlkit.core.rows import read_table
from mlkit.scoring.compiled import CompiledRuntime
from mlkit.training.compilation import encoders
from mlkit.training.compilation.compiler import compile_model
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.parity import certify
from mlkit.training.compilation.trees import as_float32_decides
from mlkit.training.model import TrainedModel
from mlkit.training.runtime import open_model

N_FUZZED = 100
TASKS = ("binary", "multiclass", "regression")
MODES = ("passthrough", "standardize")


class Order(Schema):
    """One order: numbers, text with few and with many values, a moment; most may be missing."""

    amount: float | None = column(ge=-1e6, le=1e6)
    n_items: int = column(ge=0, le=1000)
    is_new: bool | None
    channel: str | None
    shop: str
    ordered_at: datetime | None
    binary: bool = column(role="target")
    multiclass: str = column(role="outcome")
    regression: float = column(role="outcome")


class OrderFeaturizer(Featurizer):
    """Features of each kind; the price is not known where nothing was ordered."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["amount", "n_items", "is_new", "channel", "shop", "ordered_at"]].assign(
            price=(frame["amount"] / frame["n_items"]).clip(-1e6, 1e6),
            hour=frame["ordered_at"].dt.hour,
        )


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Return 400 made-up orders, a fifth of each value missing, and none of no items."""
    rng = np.random.default_rng(0)
    n_rows = 400

    def some(values: object) -> pd.Series:
        return pd.Series(values).where(rng.random(n_rows) > 0.2, None)

    frame = pd.DataFrame(
        {
            "amount": some(rng.normal(50, 30, n_rows).round(2)),
            "n_items": rng.integers(1, 9, n_rows),
            "is_new": some(rng.random(n_rows) < 0.3).astype(object),
            "channel": some(rng.choice(["web", "shop", "phone", "Fax"], n_rows)),
            "shop": [f"shop {number}" for number in rng.integers(0, 40, n_rows)],
            "ordered_at": pd.Series(
                pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9000, n_rows), "h")
            ).where(rng.random(n_rows) > 0.2),
        }
    )
    level = frame["amount"].astype("float64").fillna(90) / 30 + frame["n_items"] / 4
    level += (frame["channel"] == "web") + rng.normal(0, 0.5, n_rows)
    return frame.assign(
        binary=level > level.median(),
        multiclass=pd.cut(level, [-np.inf, 2.5, 4, np.inf], labels=["low", "mid", "high"]).astype(
            str
        ),
        regression=np.exp(level / 2),
    )


def trained(estimator, task: str, orders: pd.DataFrame, mode: str = "passthrough") -> TrainedModel:
    """Train on all orders but the holdout."""
    return Trainer(
        schema=Order,
        target=Target(task=task, column=task),
        featurizer=OrderFeaturizer(),
        estimator=estimator,
        encoder=TableEncoder(numbers=mode),
        splitter=Splitter(kind="stratified"),
    ).fit(orders)


def compared(model: TrainedModel, orders: pd.DataFrame) -> Parity:
    """Compile and compare on all orders and on fuzzed ones."""
    rows = read_table(Order, orders)
    return certify(model, compile_model(model), rows, n_fuzzed=N_FUZZED)


def certified(estimator, task: str, orders: pd.DataFrame, mode: str = "passthrough") -> Parity:
    """Train, compile and compare."""
    return compared(trained(estimator, task, orders, mode), orders)


def of_template(task: str) -> dict[str, tuple[object, str]]:
    """Return each estimator that a generated project may choose, and how it takes numbers."""
    found = {}
    for file in sorted((ROOT / "template" / "conf" / "model").glob("*.jinja")):
        settings = yaml.safe_load(Template(file.read_text()).render(task=task))
        module, _, name = settings["estimator"].pop("_target_").rpartition(".")
        estimator = getattr(import_module(module), name)(**settings["estimator"])
        if "n_jobs" in settings["estimator"]:
            estimator.set_params(n_jobs=1, n_estimators=20)
        found[name] = (estimator, settings["encoder"].get("numbers", "passthrough"))
    return found


OF_TEMPLATE = [(task, name) for task in TASKS for name in of_template(task)]


@pytest.mark.parametrize(("task", "name"), OF_TEMPLATE)
def test_what_the_template_offers_compiles(orders, task, name):
    """Each model of a generated project scores as scikit-learn does."""
    estimator, mode = of_template(task)[name]
    assert certified(estimator, task, orders, mode).largest_difference <= 1e-12


BOOSTING = {"max_iter": 20, "max_leaf_nodes": 7}
FOREST = {"n_estimators": 10, "min_samples_leaf": 3}
LIGHT = {"n_estimators": 20, "num_leaves": 7, "verbose": -1, "n_jobs": 1}
CLASSIFIERS = {
    "tree": DecisionTreeClassifier(max_depth=6),
    "forest": RandomForestClassifier(**FOREST),
    "extra": ExtraTreesClassifier(**FOREST),
    "hist": HistGradientBoostingClassifier(**BOOSTING),
    "lightgbm": LGBMClassifier(**LIGHT),
}
REGRESSORS = {
    "tree": DecisionTreeRegressor(max_depth=6),
    "forest": RandomForestRegressor(**FOREST),
    "extra": ExtraTreesRegressor(**FOREST),
    "hist": HistGradientBoostingRegressor(**BOOSTING),
    "lightgbm": LGBMRegressor(**LIGHT),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_trees_take_missing_values_and_unseen_ones(orders, name, task, mode):
    """Each library's trees, of each task, with missing values left or filled."""
    estimator = (REGRESSORS if task == "regression" else CLASSIFIERS)[name]
    assert certified(estimator, task, orders, mode).largest_difference <= 1e-12


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("task", TASKS)
def test_xgboost_adds_up_as_it_does(orders, task, mode):
    """Sums of float32 are the same; only links are computed more exactly."""
    kind = XGBRegressor if task == "regression" else XGBClassifier
    parity = certified(kind(n_estimators=20, max_depth=4, n_jobs=1), task, orders, mode)
    assert parity.largest_difference <= (0 if task == "regression" else 1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_texts_of_too_many_values_are_looked_up_apart(orders, task, monkeypatch):
    """Where one table for them all would be too large, the scores are the same to the bit."""
    estimator = (REGRESSORS if task == "regression" else CLASSIFIERS)["tree"]
    model = trained(estimator, task, orders)
    joined = compile_model(model)
    monkeypatch.setattr(encoders, "_MOST_ENTRIES", 0)
    apart = compile_model(model)
    assert apart.graph != joined.graph
    rows = read_table(Order, orders.assign(shop=[*orders["shop"][1:], "new"]))
    found = [
        CompiledRuntime(made.graph, Order, made.inputs).scores(rows) for made in (joined, apart)
    ]
    np.testing.assert_array_equal(*found)
    assert compared(model, orders).largest_difference <= 1e-12


@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile"])
def test_gradient_boosting_of_numbers(orders, loss):
    """Every loss of the older gradient boosting, which takes no missing values."""
    estimator = GradientBoostingRegressor(n_estimators=20, loss=loss)
    assert certified(estimator, "regression", orders, "standardize").largest_difference <= 1e-12


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_gradient_boosting_of_classes(orders, task):
    """The older gradient boosting, from the classes' shares."""
    estimator = GradientBoostingClassifier(n_estimators=20)
    assert certified(estimator, task, orders, "standardize").largest_difference <= 1e-12


def test_the_exponential_loss_has_a_link_of_its_own(orders):
    """AdaBoost's loss takes a probability of twice the sum."""
    estimator = GradientBoostingClassifier(n_estimators=20, loss="exponential")
    assert certified(estimator, "binary", orders, "standardize").largest_difference <= 1e-12


LOSSES = [
    HistGradientBoostingRegressor(**BOOSTING, loss="poisson"),
    HistGradientBoostingRegressor(**BOOSTING, loss="gamma"),
    HistGradientBoostingRegressor(**BOOSTING, loss="quantile", quantile=0.9),
    HistGradientBoostingRegressor(**BOOSTING, loss="absolute_error"),
    LGBMRegressor(**LIGHT, objective="poisson"),
    LGBMRegressor(**LIGHT, objective="quantile", alpha=0.9),
    LGBMRegressor(**LIGHT, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
    QuantileRegressor(quantile=0.9),
]


@pytest.mark.parametrize("estimator", LOSSES, ids=str)
def test_losses_keep_their_links(orders, estimator):
    """Means of counts, quantiles and absolute errors."""
    mode = "standardize" if isinstance(estimator, QuantileRegressor) else "passthrough"
    assert certified(estimator, "regression", orders, mode).largest_difference <= 1e-12


@pytest.mark.parametrize("objective", ["count:poisson", "reg:quantileerror", "reg:gamma"])
def test_losses_of_xgboost_keep_their_links(orders, objective):
    """XGBoost's links are computed in float32 there, and in float64 here."""
    alpha = {"quantile_alpha": 0.9} if "quantile" in objective else {}
    estimator = XGBRegressor(n_estimators=20, max_depth=4, objective=objective, n_jobs=1, **alpha)
    assert certified(estimator, "regression", orders).largest_difference <= 1e-6


def mode_of(estimator) -> str:
    """Return how numbers are encoded for an estimator: missing ones filled where it takes none."""
    return "passthrough" if get_tags(estimator).input_tags.allow_nan else "standardize"


#: One of the features of `orders` as their encoder leaves them, and how many there are.
N_ITEMS, N_FEATURES = 1, 15
SETTINGS = [
    ("binary", GradientBoostingClassifier(n_estimators=20, init="zero")),
    ("multiclass", GradientBoostingClassifier(n_estimators=20, init=DummyClassifier())),
    ("regression", GradientBoostingRegressor(init=DummyRegressor(strategy="median"))),
    ("binary", GradientBoostingClassifier(n_iter_no_change=2)),
    ("multiclass", HistGradientBoostingClassifier(**BOOSTING, class_weight="balanced")),
    ("binary", HistGradientBoostingClassifier(**BOOSTING, max_bins=2)),
    ("binary", HistGradientBoostingClassifier(monotonic_cst=[1] + [0] * (N_FEATURES - 1))),
    ("binary", HistGradientBoostingClassifier(early_stopping=True, n_iter_no_change=2)),
    ("binary", RandomForestClassifier(**FOREST, class_weight="balanced_subsample")),
    ("binary", RandomForestClassifier(**FOREST, monotonic_cst=[1] + [0] * (N_FEATURES - 1))),
    ("multiclass", LogisticRegression(class_weight="balanced", max_iter=1000)),
    ("multiclass", LGBMClassifier(**LIGHT, boosting_type="dart")),
    ("binary", LGBMClassifier(**LIGHT, max_bin=2)),
    ("binary", LGBMClassifier(**LIGHT, use_missing=False)),
    ("binary", LGBMClassifier(**LIGHT, objective="cross_entropy")),
    ("multiclass", LGBMClassifier(**LIGHT, objective="multiclassova", num_class=3)),
]


@pytest.mark.parametrize(("task", "estimator"), SETTINGS, ids=str)
def test_settings_that_shape_trees_are_kept(orders, task, estimator):
    """Where sums start, how rows are weighed, what splits may be, when to stop."""
    assert certified(estimator, task, orders, mode_of(estimator)).largest_difference <= 1e-12


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("binary", {"booster": "dart", "rate_drop": 0.5}),
        ("multiclass", {"booster": "dart", "rate_drop": 0.5}),
        ("binary", {"base_score": 0.3}),
        ("binary", {"objective": "reg:logistic"}),
        ("multiclass", {"num_parallel_tree": 3}),
        ("regression", {"objective": "reg:squaredlogerror"}),
        ("regression", {"base_score": 3.0, "objective": "count:poisson"}),
    ],
    ids=str,
)
def test_settings_of_xgboost_are_kept(orders, task, settings):
    """Weights of trees, where sums start, and links."""
    kind = XGBRegressor if task == "regression" else XGBClassifier
    estimator = kind(n_estimators=20, max_depth=4, n_jobs=1, **settings)
    assert certified(estimator, task, orders).largest_difference <= 1e-6


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMClassifier(n_estimators=60, early_stopping_round=5, verbose=-1, n_jobs=1),
        XGBClassifier(n_estimators=60, early_stopping_rounds=5, n_jobs=1),
        XGBClassifier(n_estimators=60, early_stopping_rounds=5, n_jobs=1, booster="dart"),
    ],
    ids=["lightgbm", "xgboost", "dart"],
)
@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")
def test_trees_after_the_best_iteration_are_left_out(orders, estimator):
    """A library that stopped early predicts with fewer trees than it holds."""
    model = trained(DummyClassifier(), "binary", orders)
    features = model.pipeline[:-1].transform(Order.validate(orders))
    answers = orders["binary"].to_numpy(dtype=int)
    held_out = [(features[300:], answers[300:])]
    estimator.fit(features[:300], answers[:300], eval_set=held_out)
    fitted = estimator.booster_ if isinstance(estimator, LGBMClassifier) else estimator
    assert fitted.best_iteration < 50
    pipeline = Pipeline([*model.pipeline.steps[:-1], ("estimator", estimator)])
    stopped = dataclasses.replace(model, pipeline=pipeline)
    assert compared(stopped, orders).largest_difference <= 1e-6


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize(
    "inner",
    [LinearSVC(), RidgeClassifier(), SVC(), GradientBoostingClassifier(n_estimators=20)],
    ids=lambda inner: type(inner).__name__,
)
@pytest.mark.filterwarnings("ignore:Attribute `prob:FutureWarning")
def test_calibrators_take_decisions_where_there_are_some(orders, inner, task):
    """A decision is no probability: not of twice the sum, nor squeezed between 0 and 1."""
    if task == "binary" and isinstance(inner, GradientBoostingClassifier):
        inner = clone(inner).set_params(loss="exponential")
    estimator = CalibratedClassifierCV(inner, cv=2)
    assert certified(estimator, task, orders, "standardize").largest_difference <= 1e-6


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize(
    "inner",
    [
        HistGradientBoostingClassifier(**BOOSTING),
        RandomForestClassifier(**FOREST),
        LogisticRegression(max_iter=1000),
    ],
    ids=lambda inner: type(inner).__name__,
)
def test_calibrated_probabilities_are_calibrated(orders, inner, task, method):
    """Both calibrators, over estimators that give probabilities and that give decisions."""
    estimator = CalibratedClassifierCV(inner, method=method, cv=3)
    assert certified(estimator, task, orders, "standardize").largest_difference <= 1e-12


@pytest.mark.parametrize(
    ("task", "estimator"),
    [
        ("multiclass", MLPClassifier(hidden_layer_sizes=(8,), max_iter=30)),
        ("binary", MLPClassifier(hidden_layer_sizes=(8,), max_iter=30)),
        ("regression", MLPRegressor(hidden_layer_sizes=(8,), max_iter=30)),
        ("multiclass", GaussianNB()),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_other_estimators_go_through_skl2onnx(orders, task, estimator):
    """An estimator without a converter here is converted by the library that knows many."""
    assert certified(estimator, task, orders, "standardize").largest_difference <= 1e-6


@pytest.mark.parametrize(
    ("task", "estimator"),
    [
        ("regression", HistGradientBoostingRegressor(min_samples_leaf=1000, max_iter=3)),
        ("multiclass", HistGradientBoostingClassifier(min_samples_leaf=1000, max_iter=3)),
        ("binary", RandomForestClassifier(3, min_samples_leaf=1000)),
        ("binary", LGBMClassifier(n_estimators=3, min_child_samples=1000, verbose=-1)),
        ("regression", XGBRegressor(n_estimators=3, min_child_weight=1e9)),
        ("binary", DummyClassifier()),
        ("multiclass", DummyClassifier(strategy="uniform")),
        ("regression", DummyRegressor(strategy="median")),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_trees_of_one_leaf_say_the_same_of_every_row(orders, task, estimator):
    """Where nothing can be split, there is still a score for each row."""
    assert certified(estimator, task, orders).largest_difference <= 1e-12


def squared(answers: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of the squared error: an objective of one's own."""
    return found - answers, np.ones_like(found)


GUESS = DummyClassifier(strategy="stratified")
QUANTILES = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}
KINDS = ["c" if place == N_ITEMS else "q" for place in range(N_FEATURES)]


@pytest.mark.parametrize(
    ("task", "estimator", "reason"),
    [
        ("binary", GradientBoostingClassifier(init=LogisticRegression()), "another estimator"),
        ("binary", GradientBoostingClassifier(init=GUESS), "another estimator, DummyClassifier"),
        ("regression", GradientBoostingRegressor(init=Ridge()), "another estimator, Ridge"),
        ("binary", GUESS, "a classifier that guesses"),
        ("binary", CalibratedClassifierCV(GaussianNB(), method="temperature"), "the calibrator"),
        ("binary", HistGradientBoostingClassifier(categorical_features=[N_ITEMS]), "categories"),
        ("regression", LGBMRegressor(**LIGHT, reg_sqrt=True), "LightGBM's objective .* sqrt"),
        ("regression", LGBMRegressor(**LIGHT, objective=squared), "LightGBM's objective 'custom'"),
        ("regression", LGBMRegressor(**LIGHT, linear_tree=True), "lines in its leaves"),
        ("binary", LGBMClassifier(**LIGHT, categorical_feature=[N_ITEMS]), "on categories"),
        ("binary", LGBMClassifier(**LIGHT, zero_as_missing=True), "zeros as missing"),
        ("regression", XGBRegressor(n_estimators=2, booster="gblinear"), "XGBoost's"),
        ("regression", XGBRegressor(n_estimators=2, objective=squared), "the objective custom"),
        ("regression", XGBRegressor(n_estimators=2, **QUANTILES), "several outputs"),
        ("multiclass", XGBClassifier(multi_strategy="multi_output_tree"), "several outputs"),
        ("binary", XGBClassifier(enable_categorical=True, feature_types=KINDS), "on categories"),
        ("binary", VotingClassifier([("a", LogisticRegression())], voting="soft"), "VotingClass"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore")
def test_what_does_not_compile_is_named(orders, task, estimator, reason):
    """The reason says which part of the estimator it was, and points at no line of code."""
    with pytest.raises(Untraceable, match=f"^the pipeline's estimator: .*{reason}"):
        certified(estimator, task, orders, mode_of(estimator))


def test_an_encoder_that_does_not_compile_is_named(orders):
    """The reason names the step, though it was a line of somebody's that asked for a graph."""
    model = trained(DummyClassifier(), "binary", orders)
    featurizer, _, estimator = model.pipeline.steps
    pipeline = Pipeline([featurizer, ("encoder", StandardScaler()), estimator])
    with pytest.raises(Untraceable, match="pipeline's encoder: the encoder StandardScaler"):
        compile_model(dataclasses.replace(model, pipeline=pipeline))


@pytest.mark.parametrize(
    ("task", "estimator", "runtime"),
    [
        ("binary", HistGradientBoostingClassifier(categorical_features=[N_ITEMS]), "python"),
        ("binary", XGBRFClassifier(n_estimators=3), "onnx"),
        ("regression", XGBRFRegressor(n_estimators=3), "onnx"),
        ("regression", TweedieRegressor(power=0), "onnx"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_packed_is_read_back(orders, tmp_path, task, estimator, runtime):
    """Whether it compiles or not, the library's own estimator needs no trust of its own."""
    model = trained(estimator, task, orders, mode_of(estimator))
    holdout = model.holdout(orders)
    bundle = bundle_of(model, orders, tmp_path / "bundle")
    assert bundle.manifest.runtime == runtime
    again = open_model(bundle, [OrderFeaturizer.__module__])
    valid = Order.validate(holdout)
    np.testing.assert_array_equal(again.scores(valid), model.scores(valid))


FINITE = st.floats(-1e38, 1e38)


@given(threshold=FINITE, x=FINITE)
def test_thresholds_decide_as_float32_would(threshold, x):
    """float32(x) <= t exactly where x <= as_float32_decides(t): beside t, at ties, anywhere."""
    nearest = np.float32(threshold)
    around = [
        np.nextafter(nearest, np.float32(-np.inf)),
        nearest,
        np.nextafter(nearest, np.float32(np.inf)),
    ]
    exact = [float(value) for value in around]
    ties = [(a + b) / 2 for a, b in pairwise(exact)]
    near = [threshold, x, *exact, *ties]
    beside = [float(np.nextafter(value, side)) for value in near for side in (-np.inf, np.inf)]
    values = np.array([*near, *beside])
    (decides,) = as_float32_decides(np.array([threshold]))
    expected = values.astype("float32").astype("float64") <= threshold
    np.testing.assert_array_equal(values <= decides, expected)


class LogFeaturizer(Featurizer):
    """A feature whose last digits depend on whose logarithm it is, with many values."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the logarithm of the amount."""
        return pd.DataFrame({"log_amount": np.log1p(frame["amount"].clip(0, 1e6))})


def test_a_value_at_a_threshold_does_not_pass_it_by_its_last_digit():
    """A histogram's thresholds are values of the training rows, logarithms not to the last bit."""
    rng = np.random.default_rng(0)
    amount = np.exp(rng.normal(3, 2, 6000)).round(2)
    frame = pd.DataFrame(
        {
            "amount": amount,
            "n_items": 1,
            "shop": "one",
            "binary": amount > 20,
            "multiclass": "one",
            "regression": np.log1p(amount) + rng.normal(0, 0.1, 6000),
        }
    )
    model = Trainer(
        schema=Order,
        target=Target(task="regression", column="regression"),
        featurizer=LogFeaturizer(),
        estimator=HistGradientBoostingRegressor(max_iter=50),
        splitter=Splitter(kind="stratified"),
    ).fit(frame)
    rows = read_table(Order, frame)
    parity = certify(model, compile_model(model), rows, n_fuzzed=N_FUZZED)
    assert parity.largest_difference <= 1e-12
