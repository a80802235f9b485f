"""Selectors and calibrators are parts of the pipeline: fitted, compiled and stored with it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bundles_of_tests import bundle_of
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    VarianceThreshold,
    f_classif,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from mlkit import Featurizer, Predictor, Schema, Splitter, TableEncoder, Target, Trainer, column
from mlkit.core.errors import ConfigError, DataError
from mlkit.core.rows import read_table
from mlkit.training.compilation.compiler import compile_model
from mlkit.training.compilation.parity import certify
from mlkit.training.model import TrainedModel
from mlkit.training.report.page import read_evaluation, write_report
from mlkit.training.storage import load_pipeline, save_pipeline


class Visit(Schema):
    """A visit: numbers of which some may be missing, text, and an answer."""

    pages: float | None
    minutes: float
    constant: float
    channel: str | None
    bought: bool = column(role="target")
    basket: float = column(role="outcome")
    size: str = column(role="outcome")


class VisitFeaturizer(Featurizer):
    """The columns, and one that is right but for its last digits."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        columns = frame[["constant", "pages", "minutes", "channel"]]
        return columns.assign(log=np.log1p(frame["minutes"].clip(0, 1e6)))


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    """Return 300 visits."""
    rng = np.random.default_rng(0)
    pages, minutes = rng.poisson(5, 300).astype(float), rng.exponential(9, 300)
    channel = rng.choice(["web", "app", "shop"], 300)
    basket = pages + minutes / 3 + 2 * (channel == "web") + rng.normal(size=300)
    return pd.DataFrame(
        {
            "pages": np.where(rng.random(300) < 0.1, np.nan, pages),
            "minutes": minutes,
            "constant": 1.0,
            "channel": pd.Series(channel).where(rng.random(300) > 0.1, None),
            "bought": basket > 8,
            "basket": basket,
            "size": pd.cut(basket, [-np.inf, 6, 10, np.inf], labels=["s", "m", "l"]).astype(str),
        }
    )


def trainer(task: str = "binary", **parts: object) -> Trainer:
    """Return a trainer of a boosted model, with some parts changed."""
    parts = {
        "estimator": HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=5),
        "splitter": Splitter(kind="stratified"),
        "encoder": TableEncoder(numbers="standardize"),
        **parts,
    }
    columns = {"binary": "bought", "multiclass": "size", "regression": "basket"}
    target = Target(task=task, column=columns[task])
    return Trainer(schema=Visit, target=target, featurizer=VisitFeaturizer(), **parts)


def difference(model: TrainedModel, visits: pd.DataFrame) -> float:
    """Return by how much the compiled model differs at most, fuzzed rows included."""
    rows = read_table(Visit, visits)
    return certify(model, compile_model(model), rows, n_fuzzed=100).largest_difference


SELECTORS = {
    "best": SelectKBest(f_classif, k=3),
    "from a model": SelectFromModel(RandomForestClassifier(10), threshold="median"),
    "varying": VarianceThreshold(),
    "recursively": RFE(LogisticRegression(), n_features_to_select=3),
}


@pytest.mark.filterwarnings("ignore:Features .* are constant", "ignore:invalid value")
@pytest.mark.parametrize("name", SELECTORS)
@pytest.mark.parametrize(
    "estimator", [HistGradientBoostingClassifier(max_iter=10), LogisticRegression()]
)
def test_a_selector_compiles(visits, name, estimator):
    """The graph takes the columns that were selected, and scores as scikit-learn does."""
    model = trainer(selector=SELECTORS[name], estimator=estimator).fit(visits)
    assert model.pipeline[-1].n_features_in_ < len(model.pipeline[1].get_feature_names_out())
    assert difference(model, visits) <= 1e-12


def test_a_selector_behind_untouched_numbers_compiles(visits):
    """Boundaries of the trees are tried on the columns that are left, not on their neighbours."""
    parts = {"selector": VarianceThreshold(), "encoder": TableEncoder()}
    model = trainer(**parts).fit(visits)
    assert compile_model(model).sources[:2] == ["pages", "minutes"]
    assert difference(model, visits) <= 1e-12


@pytest.mark.filterwarnings("ignore:Features .* are constant", "ignore:invalid value")
@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_is_stored(visits, name, tmp_path):
    """Without pickle, by types that every reader trusts, and read back to the same scores."""
    model = trainer(selector=SELECTORS[name]).fit(visits)
    save_pipeline(model.pipeline, tmp_path / "model.skops")
    stored = (tmp_path / "model.skops").read_bytes()
    trusted = [__name__.partition(".")[0]]
    read = replace(model, pipeline=load_pipeline(stored, trusted, tmp_path))
    known = Visit.validate(visits)
    np.testing.assert_array_equal(read.scores(known), model.scores(known))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
@pytest.mark.parametrize(
    "estimator", [HistGradientBoostingClassifier(max_iter=10), LogisticRegression()]
)
def test_a_calibrated_model_compiles(visits, task, calibration, estimator):
    """Each calibrator, over boosting and a linear model: one estimator, and the same scores."""
    model = trainer(task, estimator=estimator, calibration=calibration).fit(visits)
    assert len(model.pipeline[-1].calibrated_classifiers_) == 1
    assert difference(model, visits) <= 1e-12


def test_a_bundle_holds_selector_and_calibrator(visits, tmp_path):
    """The whole pipeline is packed as one graph, and predicts the same."""
    model = trainer(selector=VarianceThreshold(), calibration="isotonic").fit(visits)
    bundle = bundle_of(model, visits, tmp_path / "bundle")
    assert bundle.manifest.runtime == "onnx"
    found = Predictor.load(bundle.path).predict(visits).probability
    np.testing.assert_allclose(found, model.scores(Visit.validate(visits)), atol=1e-12)


def test_card_and_report_name_every_part(visits, tmp_path):
    """Also the selector, with what it kept, and the calibrator; both say the same."""
    model = trainer(selector=VarianceThreshold(), calibration="isotonic").fit(visits)
    bundle = bundle_of(model, visits, tmp_path / "bundle")
    parts = {
        "featurizer": "VisitFeaturizer",
        "encoder": "TableEncoder",
        "selector": "VarianceThreshold, which kept 8 of 9 encoded columns",
        "estimator": "HistGradientBoostingClassifier",
        "calibrator": "isotonic",
    }
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    report = write_report(read_evaluation(bundle), tmp_path / "report.html", bundle=bundle)
    html = report.read_text(encoding="utf-8")
    for name, which in parts.items():
        assert f"| {name} | {which} |" in card
        assert f'<th scope="row">{name}</th><td>{which}</td>' in html
    for text in (card, html):
        assert "inary model of bought, by HistGradientBoostingClassifier" in text


@pytest.mark.parametrize(
    ("task", "parts", "message"),
    [
        ("regression", {"calibration": "sigmoid"}, "calibrates probabilities, but the task is"),
        ("binary", {"calibration": "platt"}, r"one of sigmoid, isotonic, got 'platt'"),
        ("binary", {"selector": StandardScaler()}, "StandardScaler is no selector"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(task, parts, message):
    """Before any row is read."""
    if task == "regression":
        parts = {**parts, "estimator": Ridge()}
    with pytest.raises(ConfigError, match=message):
        trainer(task, **parts)


def test_a_class_of_few_rows_cannot_be_calibrated(visits):
    """Each fold of the calibration needs a row of each class; that is told before the fit."""
    few = pd.concat([visits[visits["bought"]].head(4), visits[~visits["bought"]]])
    with pytest.raises(DataError, match=r"bought has 3 rows to train on, but .* needs 5 of each"):
        trainer(calibration="sigmoid").fit(few)
