"""A graph is shipped only where it is proven equal; else the bundle says why it runs in Python."""

import dataclasses
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from bundles_of_tests import bundle_of
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier

from mlkit import (
    Featurizer,
    Predictor,
    Schema,
    Splitter,
    TableEncoder,
    Target,
    Trainer,
    column,
)
from mlkit.core.rows import read_table
from mlkit.training.compilation import cases, parity, texts
from mlkit.training.compilation.compiler import compile_model
from mlkit.training.compilation.parity import UnequalError, certify, flips, try_compile
from mlkit.training.model import TrainedModel
from mlkit.training.runtime import PythonRuntime, open_runtime


@pytest.fixture(scope="module")
def rows(trainer, flights):
    """Return some flights as both sides read them."""
    return read_table(trainer.schema, flights.head(300))


@pytest.fixture(scope="module")
def model(trainer, flights):
    """Return the default project's model."""
    return trainer.fit(flights)


def test_a_graph_of_another_model_is_refused(trainer, flights, model, rows):
    """It says by how much, on which rows, and how many differ."""
    other = trainer.fit(flights.iloc[::2])
    with pytest.raises(UnequalError, match=r"by 0\.\d+ on real rows: \d+ of 300 differ"):
        certify(model, compile_model(other), rows, n_fuzzed=50)


def test_every_real_row_is_compared_where_asked(model, rows):
    """The certificate counts real, fuzzed and huge rows apart, and the batches that were tried."""
    graph = compile_model(model)
    whole = certify(model, graph, rows, n_real=None, n_fuzzed=50)
    assert whole.n_rows == {"real": 300, "fuzzed": 50, "huge": parity.N_HUGE}
    assert whole.batches == [1, 7, 50]
    assert (whole.n_flipped, whole.n_refused, whole.tolerance, whole.scale) == (0, 0, 1e-5, 1)
    assert whole.largest_difference <= 1e-14


class Picky(Featurizer):
    """Takes real frames only if no row is one that a function finds."""

    def __init__(self, finds=lambda frame: frame["distance"] < 0) -> None:
        self.finds = finds

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the distance and the temperature."""
        if type(frame).__module__.startswith("pandas") and self.finds(frame).any():
            raise ValueError("no such flight")
        return frame[["distance", "temp"]]


@pytest.fixture(scope="module")
def picky(build, flights):
    """Return a model whose featurizer takes every flight yet."""
    return build(featurizer=Picky()).fit(flights)


def test_rows_that_the_pipeline_refuses_are_not_counted_as_compared(picky, rows, monkeypatch):
    """They are counted apart; a batch is no larger than what is left."""
    monkeypatch.setattr(picky.pipeline[0], "finds", lambda frame: frame["temp"].isna())
    there = rows[~np.isnan(rows.columns["temp"])]
    found = certify(picky, compile_model(picky), there, n_fuzzed=1000)
    assert 0 < found.n_refused < 300
    assert found.n_rows["real"] == len(there)
    assert sum(found.n_rows.values()) + found.n_refused == len(there) + 1000 + parity.N_HUGE
    assert found.batches == [1, 7, found.n_rows["fuzzed"]]


def test_a_pipeline_that_refuses_most_rows_is_not_certified(picky, rows, flights, monkeypatch):
    """Few rows prove little: the reason says which are refused, with what, and what to do."""
    pairs = set(zip(flights["dest"], flights["distance"], strict=True))

    def is_unknown(frame: pd.DataFrame) -> pd.Series:
        found = [pair not in pairs for pair in zip(frame["dest"], frame["distance"], strict=True)]
        return pd.Series(found, dtype=bool)

    monkeypatch.setattr(picky.pipeline[0], "finds", is_unknown)
    with pytest.raises(
        UnequalError,
        match=r"more than 50% of the fuzzed rows, .* \(ValueError: no such flight\)\. Bound the",
    ):
        certify(picky, compile_model(picky), rows, n_fuzzed=100)


def private(model: TrainedModel) -> TrainedModel:
    """Return the model with tail numbers as personal data."""
    schema = type(model.schema)("Flight", (model.schema,), {})
    schema.columns = {
        name: dataclasses.replace(column, pii=name == "tailnum")
        for name, column in model.schema.columns.items()
    }
    return dataclasses.replace(model, schema=schema)


def test_a_reason_quotes_no_personal_data(picky, rows, monkeypatch):
    """What the featurizer raises may hold a value: of it, only the type is told."""

    def raises(frame: pd.DataFrame) -> pd.Series:
        if len(frame):
            raise ValueError(f"unknown tail {frame['tailnum'].iloc[0]}")
        return frame["tailnum"].isna()

    monkeypatch.setattr(picky.pipeline[0], "finds", raises)
    reason = try_compile(private(picky), rows).reason
    assert "10% of the real rows" in reason
    assert "(ValueError)" in reason
    assert "unknown tail" not in reason
    assert "unknown tail" in try_compile(picky, rows).reason


def test_whatever_else_stops_a_compilation_tells_nothing_personal(picky, rows, monkeypatch):
    """An error that nobody foresaw may quote a value too: of it, only the type is told."""

    def fails(*arguments: object) -> None:
        raise RuntimeError("unknown tail N12345")

    monkeypatch.setattr(parity, "certify", fails)
    assert try_compile(private(picky), rows).reason == "RuntimeError"
    assert try_compile(picky, rows).reason == "RuntimeError: unknown tail N12345"


def test_real_rows_are_drawn_from_all_of_them(picky, rows, monkeypatch):
    """What only the last rows show is found, though most rows are not looked at."""
    order = np.argsort(rows.columns["origin"] == "JFK", kind="stable")
    monkeypatch.setattr(picky.pipeline[0], "finds", lambda frame: frame["origin"] == "JFK")
    with pytest.raises(UnequalError, match=r"refuses more than 10% of the real rows"):
        certify(picky, compile_model(picky), rows[order], n_real=50, n_fuzzed=50)


@pytest.mark.parametrize("size", [1.0, 1e-7])
def test_small_numbers_are_held_to_their_own_scale(build, flights, size):
    """A graph of another regression is refused, in minutes and in ten millionths of one."""
    small = flights.assign(arr_delay=flights["arr_delay"] * size)
    regression = build(
        target=Target(task="regression", column="arr_delay"),
        estimator=HistGradientBoostingRegressor(max_iter=10),
    )
    model, other = regression.fit(small), regression.fit(small.iloc[::2])
    rows = read_table(model.schema, small.head(300))
    found = certify(model, compile_model(model), rows, n_fuzzed=50)
    assert found.scale == pytest.approx(min(1, PythonRuntime(model).scores(rows).std()))
    assert found.largest_difference < 1e-12
    with pytest.raises(UnequalError, match="differs from the pipeline"):
        certify(model, compile_model(other), rows, n_fuzzed=50)


class Zoned(Schema):
    """A stay: how long, and since when by the clock of its place."""

    nights: float
    since: datetime = column(tz="Europe/Amsterdam")
    cost: float = column(role="target")


class StayFeaturizer(Featurizer):
    """The nights as they are, and the hour."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["nights"]].assign(hour=frame["since"].dt.hour)


@pytest.mark.parametrize("estimator", [DecisionTreeRegressor(max_leaf_nodes=4), Ridge()])
def test_boundaries_are_thresholds_of_the_estimator(estimator, monkeypatch):
    """A zone's clock is made of trees too: what it splits at is no boundary of a column."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "nights": rng.uniform(0, 9, 200).round(2),
            "since": pd.date_range("2024-01-01", periods=200, freq="7h", tz="Europe/Amsterdam"),
        }
    ).assign(cost=lambda stays: stays["nights"].round() ** 2)
    model = Trainer(
        schema=Zoned,
        target=Target(task="regression", column="cost"),
        featurizer=StayFeaturizer(),
        estimator=estimator,
    ).fit(frame)
    given = []
    fuzzed = parity.fuzzed
    monkeypatch.setattr(
        parity,
        "fuzzed",
        lambda *args, **kwargs: given.append(kwargs["boundaries"]) or fuzzed(*args, **kwargs),
    )
    certify(model, compile_model(model), read_table(Zoned, frame), n_fuzzed=50)
    n_splits = 3 if isinstance(estimator, DecisionTreeRegressor) else 0
    assert len([split for split in given[0]["nights"] if 0 < split < 9]) == n_splits
    assert all(0 <= split < 9 for split in given[0]["nights"])


class Opened(Featurizer):
    """The nights, and one moment for every stay, which in UTC is of the day before."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["nights"]].assign(
            opened=pd.Timestamp("2020-01-01 00:30", tz="Europe/Amsterdam")
        )


def test_a_moment_that_is_one_for_all_rows_keeps_its_zone():
    """Its parts are those of the clock there."""
    since = pd.date_range("2024-01-01", periods=50, freq="7h", tz="Europe/Amsterdam")
    frame = pd.DataFrame({"nights": np.arange(50.0), "since": since, "cost": np.arange(50.0)})
    model = Trainer(
        schema=Zoned,
        target=Target(task="regression", column="cost"),
        featurizer=Opened(),
        estimator=Ridge(),
    ).fit(frame)
    # A part that never varies has no weight otherwise.
    model.pipeline[-1].coef_ = np.ones_like(model.pipeline[-1].coef_)
    found = certify(model, compile_model(model), read_table(Zoned, frame), n_fuzzed=50)
    assert found.largest_difference < 1e-12


class Sigmas(Featurizer):
    """Whether a name has the letter that sigma is at the end of a word, once it is lower."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        is_final = frame["dest"].str.lower().str.contains("ς", regex=False)
        return frame[["distance"]].assign(is_final=is_final)


def test_a_change_of_case_that_differs_is_found(build, flights, monkeypatch):
    """A sigma that ends a word is among what is tried, though no real word ends in one."""
    is_late = flights["arr_delay"].fillna(0) >= 30
    words = flights.assign(dest=np.where(is_late, "ςx", "ox"))
    model = build(featurizer=Sigmas(), estimator=DecisionTreeClassifier(max_depth=2)).fit(words)
    otherwise = not cases.final_sigma()
    for module in (cases, texts):
        monkeypatch.setattr(module, "final_sigma", lambda: otherwise)
    wrong = compile_model(model)
    with pytest.raises(UnequalError, match=r"by \d\S* on fuzzed rows"):
        certify(model, wrong, read_table(model.schema, words.head(300)), n_fuzzed=2000)


def test_a_row_that_depends_on_its_batch_is_refused(model, rows, monkeypatch):
    """A graph that scores one row otherwise than many is no function of a row."""
    scores = parity.CompiledRuntime.scores
    monkeypatch.setattr(
        parity.CompiledRuntime,
        "scores",
        lambda self, rows: scores(self, rows) + 0.001 * (len(rows) == 1),
    )
    with pytest.raises(UnequalError, match=r"otherwise in batches of 1: by up to 0\.001"):
        certify(model, compile_model(model), rows, n_fuzzed=50)


def test_a_graph_that_refuses_what_the_pipeline_scores_is_refused(model, rows):
    """No finite number where the pipeline has one is a difference, not a crash."""
    graph = compile_model(model)
    node = parity.onnx.load_model_from_string(graph.graph)
    output = node.graph.output[0].name
    for item in node.graph.node:
        item.output[:] = ["proper" if name == output else name for name in item.output]
    node.graph.node.append(parity.onnx.helper.make_node("Log", ["negative"], [output]))
    node.graph.node.insert(
        len(node.graph.node) - 1, parity.onnx.helper.make_node("Neg", ["proper"], ["negative"])
    )
    broken = dataclasses.replace(graph, graph=node.SerializeToString())
    with pytest.raises(UnequalError, match="refuses real rows that the pipeline scores"):
        certify(model, broken, rows, n_fuzzed=50)


class TwoWays(Featurizer):
    """Asks what it was given, and takes another way for a stand-in."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the distance, doubled only for a real frame."""
        factor = 2.0 if type(frame).__module__.startswith("pandas") else 1.0
        return frame[["distance"]].assign(twice=frame["distance"] * factor)


class Centred(Featurizer):
    """Looks at the other rows."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return how far each distance lies from the mean of those beside it."""
        return frame[["distance"]].assign(centred=frame["distance"] - frame["distance"].mean())


def test_a_trace_that_took_another_way_is_refused(build, flights, rows):
    """What a trace cannot see, the certificate finds: the reason has the difference."""
    linear = build(
        featurizer=TwoWays(),
        estimator=LogisticRegression(),
        encoder=TableEncoder(numbers="standardize"),
        splitter=Splitter(),
    )
    outcome = try_compile(linear.fit(flights), rows)
    assert (outcome.graph, outcome.parity, outcome.inputs) == (None, None, {})
    assert "The graph differs from the pipeline by" in outcome.reason
    assert outcome.reason.endswith("Try another estimator, or bound the columns in the schema.")


def test_a_look_at_other_rows_is_named_with_its_line(build, flights, rows):
    """The reason has file, line, operation and what to do."""
    model = build(
        featurizer=Centred(),
        estimator=HistGradientBoostingClassifier(max_iter=2),
    ).fit(flights)
    reason = try_compile(model, rows).reason
    assert reason.startswith("test_parity.py:")
    assert 'assign(centred=frame["distance"] - frame["distance"].mean())' in reason
    assert ".mean of a column does not compile. A feature comes from its own row" in reason


def test_an_estimator_that_does_not_convert_is_shipped_in_python(build, flights, tmp_path):
    """Manifest, card and log say why; the bundle predicts all the same, with the training side."""
    model = build(
        estimator=BaggingClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=3),
        encoder=TableEncoder(numbers="standardize"),
    ).fit(flights)
    holdout = model.holdout(flights)
    bundle = bundle_of(model, flights, tmp_path / "b")
    manifest = bundle.manifest
    assert (manifest.runtime, manifest.inputs, manifest.parity) == ("python", {}, None)
    assert "the estimator BaggingClassifier, which holds trees" in manifest.reason
    assert manifest.runs() in (bundle.path / "README.md").read_text()
    assert manifest.reason in manifest.runs()
    assert not (bundle.path / "model.onnx").exists()
    found = Predictor.load(bundle.path, trusted=["flight_delay"]).predict(holdout)
    np.testing.assert_array_equal(found.probability, model.scores(model.schema.validate(holdout)))


class Given(Featurizer):
    """Every column, as it is."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame."""
        return frame


NUMBERS_ALONE = ColumnTransformer([("kept", SimpleImputer(), ["distance", "temp"])])


@pytest.mark.parametrize(
    ("estimator", "encoder", "reason"),
    [
        (
            LogisticRegression(),
            NUMBERS_ALONE,
            "the pipeline's encoder: the encoder ColumnTransformer does",
        ),
        (BaggingClassifier(DecisionTreeClassifier(max_depth=3)), None, "holds trees"),
        (XGBClassifier(n_estimators=3, missing=-999.0), None, "missing=-999"),
        (GridSearchCV(HistGradientBoostingClassifier(), {"max_iter": [2]}, cv=2), None, ""),
    ],
)
def test_whatever_stops_a_compilation_becomes_the_reason(
    build, trainer, flights, estimator, encoder, reason
):
    """No estimator, encoder or converter that fails keeps a model from being packed."""
    standardized = TableEncoder(numbers="standardize")
    model = build(
        featurizer=Given() if encoder is NUMBERS_ALONE else trainer.featurizer,
        estimator=estimator,
        encoder=encoder or standardized,
    ).fit(flights)
    rows = read_table(model.schema, model.holdout(flights))
    outcome = try_compile(model, rows)
    assert outcome.graph is None
    assert outcome.reason
    assert reason in outcome.reason


OF_EACH_TASK = {
    "binary": (
        Target(task="binary", column="arr_delay", edges=(30,)),
        HistGradientBoostingClassifier(max_iter=10),
    ),
    "multiclass": (
        Target(
            task="multiclass", column="arr_delay", edges=(0, 30), labels=("early", "fair", "late")
        ),
        LogisticRegression(max_iter=1000),
    ),
    "regression": (Target(task="regression", column="arr_delay"), Ridge()),
}


@pytest.mark.parametrize("task", OF_EACH_TASK)
def test_both_runtimes_of_a_bundle_say_the_same(build, flights, tmp_path, task):
    """One record, a list, a frame and columns, through the graph and through the pipeline."""
    target, estimator = OF_EACH_TASK[task]
    model = build(
        target=target,
        estimator=estimator,
        encoder=TableEncoder(numbers="standardize"),
    ).fit(flights)
    holdout = model.holdout(flights)
    bundle = bundle_of(model, flights, tmp_path / "b")
    assert (bundle.manifest.runtime, bundle.manifest.reason) == ("onnx", "")
    graph = Predictor.load(bundle.path)
    python = Predictor(bundle, open_runtime(bundle, ["flight_delay"]))
    records = bundle.golden.records
    for data in (holdout, {name: holdout[name].to_numpy() for name in holdout}, records):
        for found, expected in zip(graph.predict(data), python.predict(data), strict=True):
            assert_alike(found.to_dict(), expected.to_dict())
    assert_alike(graph.predict(records[0]).to_dict(), python.predict(records[0]).to_dict())


def assert_alike(found: dict, expected: dict) -> None:
    """Hold two answers to the same fields; numbers may differ in their last digits."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name == "model" or isinstance(value, (str, bool)):
            assert found[name] == value
        else:
            assert found[name] == pytest.approx(value, rel=1e-9)


def test_ties_are_no_flips():
    """A decision differs only where the scores did not lie within the tolerance of a tie."""
    expected, found = np.array([0.5 - 1e-6, 0.4, 0.6]), np.array([0.5 + 1e-6, 0.4, 0.4])
    assert flips(expected, found) == 1
    shares = np.array([[0.4, 0.4, 0.2], [0.6, 0.3, 0.1]])
    assert flips(shares, shares[:, [1, 0, 2]] + [[0, 1e-7, 0]]) == 1
