"""Every byte of a bundle is accounted for, and none of it is a pickle."""

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path

import msgspec
import pytest
from bundles_of_tests import bundle_of, parts_of
from forgery import reseal

from mlkit import Evaluator, Featurizer, Predictor, pack
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle, Parity
from mlkit.core.errors import BundleError, ConfigError, FeaturizerError
from mlkit.scoring import compiled
from mlkit.training.runtime import open_model


@pytest.fixture
def copied(packed, tmp_path) -> Path:
    """Return a copy of a bundle, to be damaged."""
    return Path(shutil.copytree(packed, tmp_path / "bundle"))


@pytest.mark.parametrize("name", [layout.MANIFEST, *layout.FILES, layout.GRAPH])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_one_flipped_byte_in_any_file_is_found_and_named(copied, name, place):
    """At the start, in the middle or at the end: loading fails and names the file."""
    file = copied / name
    content = bytearray(file.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0x01
    file.write_bytes(content)
    with pytest.raises(BundleError, match=name):
        Predictor.load(copied, trusted=["flight_delay"])


def test_a_folder_holds_what_the_manifest_lists(copied):
    """An absent file, an unknown one, or a link is refused and named."""
    (copied / "extra.pkl").touch()
    with pytest.raises(BundleError, match=r"extra\.pkl"):
        Bundle.open(copied)
    (copied / "extra.pkl").unlink()
    golden = copied / layout.GOLDEN
    golden.rename(copied.parent / "elsewhere.json")
    with pytest.raises(BundleError, match=r"golden\.json is absent"):
        Bundle.open(copied)
    golden.symlink_to(copied.parent / "elsewhere.json")
    with pytest.raises(BundleError, match=r"golden\.json is absent, or a link"):
        Bundle.open(copied)


@pytest.mark.parametrize("name", [*layout.FILES, layout.GRAPH])
def test_what_was_checked_is_what_is_used(copied, name):
    """A file that was changed, or taken away, after the bundle was opened is not read."""
    bundle = Bundle.open(copied)
    content = bundle.read(name)
    assert content == (copied / name).read_bytes()
    (copied / name).write_bytes(content + b" ")
    with pytest.raises(BundleError, match=f"{name} was changed"):
        bundle.read(name)
    (copied / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is absent"):
        bundle.read(name)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        (layout.GRAPH, compiled.open_runtime),
        (layout.MODEL, open_model),
        (layout.TRAINING_ROWS, open_model),
    ],
)
def test_a_runtime_takes_no_file_that_was_swapped(copied, name, reader):
    """Neither the graph nor the pipeline, though the bundle was whole when it was opened."""
    bundle = Bundle.open(copied)
    (copied / name).write_bytes(b"another")
    with pytest.raises(BundleError, match=f"{name} was changed"):
        reader(bundle, ["flight_delay"])


def test_golden_rows_that_no_longer_agree_are_refused(copied):
    """A bundle whose stored scores are not what it predicts does not load."""
    golden = json.loads((copied / layout.GOLDEN).read_text())
    golden["scores"][3] += 1e-6
    (copied / layout.GOLDEN).write_text(json.dumps(golden))
    reseal(copied)
    with pytest.raises(BundleError, match="no longer predicts what it did: of 32 golden rows, 1"):
        Predictor.load(copied, trusted=["flight_delay"])


def test_a_newer_format_or_runtime_is_refused(copied):
    """What this mlkit does not know, it does not guess at."""
    manifest = Bundle.open(copied).manifest
    future = msgspec.structs.replace(manifest, runtime="quantum").sealed()
    text = msgspec.json.format(msgspec.json.encode(future), indent=2) + b"\n"
    (copied / layout.MANIFEST).write_bytes(text)
    with pytest.raises(BundleError, match="quantum"):
        Predictor.load(copied, trusted=["flight_delay"])
    reseal(copied, runtime="onnx", format=99)
    with pytest.raises(BundleError, match="format 99"):
        Bundle.open(copied)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(copied, text):
    """Anything but a manifest is named as such."""
    (copied / layout.MANIFEST).write_bytes(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Bundle.open(copied)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    """An absent or an empty folder is named."""
    with pytest.raises(BundleError, match="no bundle in"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        Bundle.open(tmp_path)


def test_the_same_model_gives_the_same_digest(trainer, flights, tmp_path, packed):
    """Trained and packed again, the bundle is the same, byte for byte."""
    model = trainer.fit(flights)
    holdout = model.holdout(flights)
    evaluation = Evaluator(n_resamples=20).evaluate(model, holdout)
    again = pack(model, evaluation, holdout, tmp_path / "again", name="flight-delay")
    assert again.manifest == Bundle.open(packed).manifest


def test_no_file_of_a_bundle_is_a_pickle(packed):
    """Neither a file nor a member of the stored pipeline starts as pickles do."""
    for file in packed.iterdir():
        assert not file.read_bytes().startswith(b"\x80"), file
    with zipfile.ZipFile(packed / layout.MODEL) as archive:
        assert {Path(name).suffix for name in archive.namelist()} <= {".npy", ".json", ".npz"}


def test_a_failed_packing_keeps_the_former_bundle(trainer, flights, tmp_path, monkeypatch):
    """When packing fails, what lay there before stays, whole, and no draft is left."""
    parts = parts_of(trainer.fit(flights), flights)
    before = pack(*parts, tmp_path / "m", name="m")

    class Unlike(Predictor):
        @classmethod
        def load(cls, path, **_):
            raise BundleError("predicts differently")

    monkeypatch.setattr("mlkit.training.packing.Predictor", Unlike)
    with pytest.raises(BundleError, match="differently"):
        pack(*parts, tmp_path / "m", name="other")
    assert Bundle.open(tmp_path / "m").manifest == before.manifest
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


class Ranked(Featurizer):
    """The distance, and the hour among those of the rows beside it."""

    def transform(self, frame):
        """Return the features of `frame`, with its index."""
        hours = frame["scheduled_departure"].dt.hour
        return frame[["distance"]].assign(rank=hours.rank(pct=True))


def test_a_model_that_looks_at_its_batch_is_not_packed(build, flights, tmp_path):
    """Rows that score otherwise alone than together are found; the features that do are named."""
    model = build(featurizer=Ranked()).fit(flights)
    expected = r"score otherwise alone than together, .* Features that differ: rank\."
    with pytest.raises(FeaturizerError, match=expected):
        bundle_of(model, flights, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "Compared with the pipeline on 90 real, 10,000 fuzzed rows: scores differ by at most "
            "2.0e-07, no decision does.",
        ),
        (
            {"is_regression": True, "n_refused": 1200},
            "Compared with the pipeline on 90 real, 10,000 fuzzed rows: predictions differ by at "
            "most 2.0e-07 of their size. 1,200 more are left out: the pipeline refuses them.",
        ),
        (
            {"largest_difference": 0.0},
            "Compared with the pipeline on 90 real, 10,000 fuzzed rows: the scores are the same.",
        ),
    ],
)
def test_a_certificate_says_what_was_found(changes, said):
    """In words, without counts of nothing; of a regression, that the figure is a share."""
    is_regression = changes.pop("is_regression", False)
    found = {
        "n_rows": {"real": 90, "fuzzed": 10_000, "huge": 0},
        "n_refused": 0,
        "n_flipped": 0,
        "largest_difference": 2e-7,
        "tolerance": 1e-5,
        "batches": [1],
    }
    assert Parity(**{**found, **changes}).summary(is_regression=is_regression) == said


def test_what_runs_in_python_says_what_that_costs(python_packed):
    """It is slower and needs more; the page that helps is named, and the reason follows."""
    runs = Bundle.open(python_packed).manifest.runs()
    assert runs.startswith("Runs in Python, slower and only with the training side installed")
    assert "'Write features that compile'" in runs
    assert runs.endswith("A test says so.")


def test_only_a_bundle_is_replaced(trainer, flights, tmp_path):
    """A folder that holds anything else is left alone."""
    (tmp_path / "thesis.txt").write_text("years of work")
    model = trainer.fit(flights)
    with pytest.raises(ConfigError, match="is no bundle: it will not be replaced"):
        bundle_of(model, flights, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_personal_data_stay_behind(build, trainer, flights, tmp_path):
    """Golden rows hold no value of a pii column."""
    schema = type(trainer.schema)("Flight", (trainer.schema,), {"__module__": __name__})
    schema.columns = {
        name: dataclasses.replace(column, pii=name in ("tailnum", "carrier", "distance"))
        for name, column in trainer.schema.columns.items()
    }
    bundle = bundle_of(build(schema=schema).fit(flights), flights, tmp_path / "m")
    assert {record["carrier"] for record in bundle.golden.records} == {"redacted"}
    assert {record["tailnum"] for record in bundle.golden.records} == {None}
    assert {record["distance"] for record in bundle.golden.records} == {0.0}
    Predictor.load(tmp_path / "m", trusted=["flight_delay"])
