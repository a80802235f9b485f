"""What pack writes beside the model, and what it refuses to write."""

import dataclasses
import shutil
from importlib.metadata import version

import msgspec
import numpy as np
import pytest
from bundles_of_tests import bundle_of, parts_of
from evaluations_of_tests import HOSTILE, whole
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from mlkit import Predictor, TableEncoder, pack
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle, Parity
from mlkit.core.column import Column
from mlkit.core.errors import BundleError, ConfigError
from mlkit.core.records import broken_rule
from mlkit.training.golden import placeholder
from mlkit.training.libraries import versions


@pytest.fixture(scope="module")
def parts(trainer, flights):
    """Return a model, its evaluation and its holdout, as pack takes them."""
    return parts_of(trainer.fit(flights), flights)


def test_a_file_is_not_replaced(parts, tmp_path):
    """A file where the bundle would lie is named, and stays."""
    (tmp_path / "model").write_text("years of work")
    with pytest.raises(ConfigError, match="model is there, and is no bundle"):
        pack(*parts, tmp_path / "model", name="m")
    assert (tmp_path / "model").read_text() == "years of work"


def test_the_card_has_a_cell_for_each_field(parts, tmp_path):
    """Bars and line breaks in a description neither end a cell nor a row of the table."""
    model, *others = parts
    schema = type(model.schema)("Flight", (model.schema,), {"__module__": __name__})
    odd = {"unit": "°F | °C", "description": "Warm\nor | cold."}
    schema.columns = {
        name: dataclasses.replace(column, **odd) if name == "temp" else column
        for name, column in model.schema.columns.items()
    }
    bundle = pack(dataclasses.replace(model, schema=schema), *others, tmp_path / "m", name="m")
    card = (bundle.path / "README.md").read_text()
    assert "| temp | number | yes | °F \\| °C | Warm or \\| cold. |\n" in card


def test_the_card_says_what_was_found(parts, tmp_path):
    """The verdict, every table of the evaluation, and its limits; hostile names are text."""
    model, _, holdout = parts
    found = dataclasses.replace(whole(name=HOSTILE), threshold=0.188)
    bundle = pack(model, found, holdout, tmp_path / "m", name="m")
    card = (bundle.path / "README.md").read_text()
    assert "1 of 3 gates failed: this model may not ship." in card
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings[1] == "## How good it is"
    assert headings[3:] == [
        "### On slices of the rows",
        "### What its features are worth",
        "## Its limits",
        "## How it runs",
        "## What it consists of",
        "## What it takes",
    ]
    assert "<script" not in card
    assert "A random split would have promised" in card
    assert "is chosen from a probability of 0.188 on" in card
    widths = {line.replace("\\|", "").count("|") for line in card.splitlines() if "dest" in line}
    assert 1 not in widths


def test_a_certificate_from_before_there_were_scales_is_read(packed, tmp_path):
    """It is one of differences that are a share of 1, and its digest is what it was."""
    folder = shutil.copytree(packed, tmp_path / "old")
    manifest = Bundle.open(folder).manifest
    fields = msgspec.to_builtins(manifest.parity)
    del fields["scale"]
    layout.seal(folder, msgspec.structs.replace(manifest, parity=msgspec.convert(fields, Parity)))
    assert '"scale"' not in (folder / layout.MANIFEST).read_text()
    assert Bundle.open(folder).manifest.parity == manifest.parity


def test_an_estimator_of_single_precision_is_packed(build, flights, tmp_path):
    """Gradient boosting gives its `init` float32, which adds up a row and a table apart."""
    model = build(
        estimator=GradientBoostingClassifier(n_estimators=3, init=LogisticRegression()),
        encoder=TableEncoder(numbers="standardize"),
    ).fit(flights)
    holdout = model.holdout(flights)
    bundle = bundle_of(model, flights, tmp_path / "m")
    assert "gradient boosting from another estimator" in bundle.manifest.reason
    found = Predictor.load(bundle.path, trusted=["flight_delay"]).predict(holdout)
    np.testing.assert_array_equal(found.probability, model.scores(model.schema.validate(holdout)))


def test_what_readers_will_not_trust_is_refused_at_once(parts, tmp_path, caplog):
    """Before any row is scored or a graph certified, which take far longer."""
    with caplog.at_level("INFO"), pytest.raises(BundleError, match="not trusted: flight_delay"):
        pack(*parts, tmp_path / "m", name="m", trusted=[])
    assert [record.msg["event"] for record in caplog.records] == ["packing_started"]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # of old LightGBM
def test_the_libraries_of_a_model_are_in_its_lineage(build, trainer, flights, tmp_path):
    """Those of its estimators, also of one within another, and of the compiler if it compiled."""
    wrapped = CalibratedClassifierCV(LGBMClassifier(n_estimators=2, verbose=-1), cv=2)
    model = build(estimator=wrapped).fit(flights)
    compiled = pack(*parts_of(model, flights), tmp_path / "m", name="m", lineage={"seed": 1})
    assert compiled.manifest.runtime == "onnx"
    assert compiled.manifest.lineage["seed"] == 1
    assert compiled.manifest.lineage["libraries"] == {
        name: version(name)
        for name in (
            "lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy",
            "skl2onnx", "skops", "spox",
        )
    }  # fmt: skip
    assert versions(trainer.fit(flights).pipeline, is_compiled=False).keys() == {
        "numpy", "pandas", "scikit-learn", "scipy", "skops",
    }  # fmt: skip


@given(
    kind=st.sampled_from(["number", "integer"]),
    low=st.none() | st.integers(-(10**6), 10**6),
    width=st.none() | st.integers(2, 10**6),
    is_open=st.tuples(st.booleans(), st.booleans()),
)
def test_what_stands_for_personal_numbers_is_within_their_bounds(kind, low, width, is_open):
    """Wherever the bounds lie, and whether they belong to what is allowed."""
    bounds = {} if low is None else {"gt" if is_open[0] else "ge": low}
    if width is not None:
        bounds["lt" if is_open[1] else "le"] = (low or 0) + width
    column = Column(name="salary", kind=kind, **bounds)
    assert broken_rule(column, placeholder(column)) is None
    share = Column(name="share", kind="number", gt=0, lt=1)
    assert placeholder(share) == 0.5
