"""A forged bundle, all its digests in order, runs nothing and reads nothing outside itself."""

import json
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import joblib
import msgspec
import pytest
from forgery import Payload, changed_json, claiming, pickled, replaced, reseal

from mlkit import Predictor
from mlkit.cli import main
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError
from mlkit.training.runtime import open_model

TRUSTED = ["flight_delay"]
_opened: list[str] | None = None


def _note(event: str, arguments: tuple) -> None:
    if _opened is not None and event in ("open", "os.system", "subprocess.Popen"):
        _opened.append(str(arguments[0]))


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Return the list of the files that are opened, and the commands that are run."""
    global _opened  # noqa: PLW0603 - an audit hook cannot be taken off again
    if not hasattr(sys, "_mlkit_hooked"):
        sys.addaudithook(_note)
        sys._mlkit_hooked = True
    _opened = []
    yield _opened
    _opened = None


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """Fail, instead of waiting for ever, where a reader waits."""

    def give_up(*_):
        raise AssertionError("waits for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def canary(tmp_path) -> Iterator[Path]:
    """Return a path where code of a bundle would leave a file."""
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


@pytest.fixture
def bundle(packed, tmp_path) -> Path:
    """Return a copy of a bundle that runs as a graph."""
    return Path(shutil.copytree(packed, tmp_path / "bundle"))


@pytest.fixture
def python_bundle(python_packed, tmp_path) -> Path:
    """Return a copy of a bundle that runs its pipeline."""
    return Path(shutil.copytree(python_packed, tmp_path / "python"))


def written(folder: Path, **changes: object) -> None:
    """Write a manifest whose digest fits, whatever it says of the files."""
    manifest = msgspec.json.decode((folder / layout.MANIFEST).read_bytes(), type=layout.Manifest)
    sealed = msgspec.structs.replace(manifest, **changes).sealed()
    text = msgspec.json.format(msgspec.json.encode(sealed), indent=2)
    (folder / layout.MANIFEST).write_bytes(text + b"\n")


def everything_read(folder: Path) -> None:
    """Read a bundle as scoring and training do."""
    Predictor.load(folder, trusted=TRUSTED)
    open_model(Bundle.open(folder), TRUSTED)


def test_the_payload_is_a_live_one(tmp_path):
    """What the tests below forge would leave its mark, were it opened."""
    pickle.loads(pickled(tmp_path / "mark"))  # noqa: S301 - it is made here
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", [layout.SCHEMA, layout.GOLDEN, layout.GRAPH])
def test_a_pickle_in_the_place_of_a_file_is_not_opened(bundle, canary, name):
    """Sealed under each name that scoring reads."""
    with pytest.raises(BundleError, match=str(bundle)):
        Predictor.load(replaced(bundle, name, pickled(canary)), trusted=TRUSTED)


@pytest.mark.parametrize("name", [layout.MODEL, layout.TRAINING_ROWS])
def test_a_pickle_in_the_place_of_a_file_of_training_is_not_opened(python_bundle, canary, name):
    """Sealed under each name that the training side reads, as a pickle or as joblib writes it."""
    joblib.dump(Payload(canary), canary.with_name("dumped"))
    for content in (pickled(canary), canary.with_name("dumped").read_bytes()):
        replaced(python_bundle, name, content)
        with pytest.raises(BundleError, match=f"{name} is not"):
            Predictor.load(python_bundle, trusted=TRUSTED)


def test_files_that_no_code_reads_may_hold_anything(bundle, canary):
    """The card, the evaluation, the profile, and the pipeline beside a graph are not opened."""
    for name in (layout.CARD, layout.EVALUATION, layout.PROFILE, layout.MODEL):
        replaced(bundle, name, pickled(canary))
    assert Predictor.load(bundle)


def test_a_pickle_in_the_place_of_the_manifest_or_beside_it_is_refused(bundle, canary):
    """Neither is read."""
    (bundle / "model.pkl").write_bytes(pickled(canary))
    with pytest.raises(BundleError, match=r"unknown files: model\.pkl"):
        Bundle.open(bundle)
    (bundle / layout.MANIFEST).write_bytes(pickled(canary))
    with pytest.raises(BundleError, match=r"manifest\.json was changed: it cannot be read"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    "claim", ["object", "huge", "negative", "empty", "other", "cut", "unsorted"]
)
def test_rows_that_claim_what_they_do_not_hold_are_refused(python_bundle, claim, canary):
    """Before memory is taken for them, and without a pickle being opened."""
    content = {
        "object": claiming((1,), "|O", pickled(canary)),
        "huge": claiming((2**50,), "<u8", bytes(80)),
        "negative": claiming((-1,), "<u8", bytes(8)),
        "empty": claiming((2**60,), "|V0"),
        "other": claiming((1,), "<f8", bytes(8)),
        "cut": claiming((2,), "<u8", bytes(8)),
        "unsorted": claiming((2,), "<u8", bytes([1, *bytes(15)])),
    }[claim]
    replaced(python_bundle, layout.TRAINING_ROWS, content)
    with pytest.raises(BundleError, match=r"training_rows\.npy is not readable"):
        open_model(Bundle.open(python_bundle), TRUSTED)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "a/../../outside.json", ".."])
def test_a_name_that_leads_out_of_the_folder_is_refused(bundle, opened, name):
    """Beside the known files or in the place of one; nothing there is opened."""
    (bundle.parent / "outside.json").write_text("{}")
    files = Bundle.open(bundle).manifest.files
    opened.clear()
    for listed in (files | {name: "0" * 64}, {**files, name: files[layout.GOLDEN]}):
        listed.pop(layout.CARD, None)
        written(bundle, files=listed)
        with pytest.raises(BundleError, match="a bundle of its runtime has"):
            Bundle.open(bundle)
    assert [Path(path).name for path in opened if "passwd" in path or "outside" in path] == []


@pytest.mark.parametrize("name", [layout.MANIFEST, *layout.FILES, layout.GRAPH])
def test_a_link_in_the_place_of_a_file_is_not_followed(bundle, name):
    """To the same bytes, to a folder, to a device without end, or to nothing."""
    (bundle / name).rename(bundle.parent / "moved")
    for target in (bundle.parent / "moved", bundle.parent, Path("/dev/zero"), Path("/nowhere")):
        (bundle / name).symlink_to(target)
        with pytest.raises(BundleError, match=name.replace(".", r"\.")):
            Bundle.open(bundle)
        (bundle / name).unlink()


@pytest.mark.parametrize("name", [layout.MANIFEST, *layout.FILES, layout.GRAPH, layout.SIGNATURE])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(bundle, name):
    """A named pipe, which gives nothing for as long as nobody writes to it."""
    (bundle / name).unlink(missing_ok=True)
    os.mkfifo(bundle / name)
    signers = [] if name == layout.SIGNATURE else None
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        Bundle.open(bundle, signers=signers)


def test_the_folder_may_be_a_link(bundle, tmp_path):
    """Its reader named it; a link inside it was named by who made it."""
    (tmp_path / "latest").symlink_to(bundle, target_is_directory=True)
    assert Bundle.open(tmp_path / "latest").manifest == Bundle.open(bundle).manifest
    (bundle / "more").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(BundleError, match="unknown files: more"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "of format 2; this mlkit reads up to 1"),
        ({"runtime": "shell"}, "runs on 'shell', which this mlkit does not know"),
        ({"task": "exec"}, "makes no sense: 'exec'"),
        ({"classes": []}, "makes no sense: 'binary' with 0 classes"),
        ({"classes": [[1], {}]}, "makes no sense"),
        ({"inputs": {"numbers": ["distance"]}}, "its inputs are"),
        ({"inputs": {"__init__": []}}, "its inputs are"),
        ({"inputs": {"column": ["distance"]}}, "its inputs are"),
        ({"inputs": {"numbers": ["arr_delay"]}}, "takes arr_delay"),
        ({"task": "regression", "classes": [], "threshold": 0.0}, None),
        ({"task": "multiclass"}, "is not what its manifest says"),
    ],
)
def test_a_manifest_that_says_other_than_the_files_is_refused(bundle, change, message):
    """A newer format, an unknown runtime, or a meaning that the graph does not have."""
    written(bundle, **change)
    if message is None:
        # Nothing in the files says what a number means: this is what a signature is for.
        assert Predictor.load(bundle)
        return
    with pytest.raises(BundleError, match=message):
        Predictor.load(bundle)


def test_a_target_that_makes_no_sense_is_refused(python_bundle):
    """Unknown fields, other types, rules that exclude each other."""
    before = Bundle.open(python_bundle).manifest.target
    for target in ({}, before | {"edges": "all"}, before | {"edges": [2, 1]}):
        reseal(python_bundle, target=target)
        with pytest.raises(BundleError, match="has no readable target"):
            Predictor.load(python_bundle, trusted=TRUSTED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"{\n", b'{\n  "extra": 1,\n'),
        (b'  "format"', b'  "format": 1,\n  "format"'),
        (b'  "threshold"', b'  "threshold": 0.5,\n  "threshold"'),
        (b"{\n", b"{ \n"),
        (b'"digest": "', b'"digest": "0'),
        (b"}\n", b"}\n{}\n"),
    ],
)
def test_a_manifest_has_one_form(bundle, old, new):
    """Unknown or doubled fields, other white space, or anything after it: refused."""
    text = (bundle / layout.MANIFEST).read_bytes()
    position = text.rindex(old) if old == b"}\n" else text.index(old)
    changed = text[:position] + new + text[position + len(old) :]
    (bundle / layout.MANIFEST).write_bytes(changed)
    with pytest.raises(BundleError, match=r"manifest\.json was changed"):
        Bundle.open(bundle)


def test_a_digest_of_another_file_is_refused(bundle):
    """Sealed with the digests of two files exchanged."""
    files = dict(Bundle.open(bundle).manifest.files)
    files[layout.GOLDEN], files[layout.PROFILE] = files[layout.PROFILE], files[layout.GOLDEN]
    written(bundle, files=files)
    with pytest.raises(BundleError, match=r"json was changed: its digest is not the manifest's"):
        Bundle.open(bundle)


@pytest.mark.parametrize("name", [layout.MANIFEST, layout.SCHEMA, layout.GOLDEN])
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"format": 1, "lineage": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"9" * 100_000,
        b'{"format": 1e400}',
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": "\xff"}',
        b'{"name": "\\ud800"}',
        b"\x00" * 64,
    ],
    ids=["list", "object", "lineage", "digits", "float", "integer", "bytes", "half", "zeros"],
)
def test_json_that_is_deep_or_broken_is_refused(bundle, name, content):
    """Deeper than a stack, numbers beyond every type, bytes that are no text."""
    (bundle / name).write_bytes(content)
    if name != layout.MANIFEST:
        reseal(bundle)
    with pytest.raises(BundleError):
        Bundle.open(bundle)


@pytest.mark.parametrize("name", [layout.MANIFEST, layout.SCHEMA, layout.GOLDEN])
def test_json_that_is_huge_is_not_read(bundle, name):
    """A file with a hole in it claims any length at no cost."""
    with (bundle / name).open("wb") as file:
        file.truncate(layout.MOST_BYTES + 1)
    if name != layout.MANIFEST:
        reseal(bundle)
    with pytest.raises(BundleError, match="no bundle of mlkit has one so long"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    "golden",
    [
        {"records": [], "scores": []},
        {"records": [{}], "scores": [0.5]},
        {"records": [{"distance": "far"}], "scores": [0.5]},
        {"scores": [0.5]},
        {"scores": ["0.5"] * 32},
        {"scores": [[0.5, 0.5]] * 32},
        {"scores": [[]] * 31 + [[1]]},
        {"scores": [None] * 32},
        {"scores": [10**30] * 32},
        {"scores": {"_target_": "os.system"}},
    ],
)
def test_golden_rows_that_are_none_are_refused(bundle, golden):
    """None at all, records of another schema, scores of another shape or type."""
    changed_json(bundle, layout.GOLDEN, **golden)
    with pytest.raises(BundleError, match=str(bundle)):
        Predictor.load(bundle)


def schema_with(folder: Path, **column: object) -> dict:
    """Return a bundle's schema with its last feature changed."""
    form = json.loads((folder / layout.SCHEMA).read_text())
    features = [c for c in form["columns"] if c.get("role", "feature") == "feature"]
    features[-1].update(column)
    return form


@pytest.mark.parametrize(
    "column",
    [
        {"name": 'a"b'},
        {"name": "a\nb"},
        {"name": "carrier"},
        {"kind": "datetime", "tz": "../../etc/passwd"},
        {"kind": "datetime", "tz": "/etc/passwd"},
        {"kind": "datetime", "tz": "Europe"},
        {"kind": "datetime", "tz": "a" * 5000},
        {"kind": "datetime", "tz": "UTC\u0000"},
        {"kind": "object"},
        {"kind": "string", "allowed": []},
        {"kind": "number", "ge": 1, "gt": 0},
        {"kind": "number", "ge": {"_target_": "os.system"}},
        {"role": "__import__('os').system('id')"},
    ],
)
def test_a_schema_with_a_hostile_column_is_refused(bundle, opened, column):
    """Names that no type can have, time zones that are paths, rules that exclude each other."""
    form = schema_with(bundle, **{"ge": None, "le": None, "allowed": None, **column})
    replaced(bundle, layout.SCHEMA, json.dumps(form))
    opened.clear()
    with pytest.raises(BundleError, match="is not a readable bundle"):
        Bundle.open(bundle)
    assert not any("passwd" in path for path in opened)


@pytest.mark.parametrize(
    "name", ["__class__", "../../../etc/passwd", "%(x)s{0.__class__}", "\u202e"]
)
def test_a_columns_name_is_only_a_name(bundle, name):
    """Another name is one that the graph does not know; nothing is done with it."""
    replaced(bundle, layout.SCHEMA, json.dumps(schema_with(bundle, name=name)))
    assert name in Bundle.open(bundle).schema.columns
    with pytest.raises(BundleError, match="which its schema does not know"):
        Predictor.load(bundle)


def test_the_schemas_name_is_only_a_name(bundle):
    """It names a class, and that is all; one that no class can have is refused."""
    changed_json(bundle, layout.SCHEMA, name="os.system('id')")
    assert Predictor.load(bundle).schema.__name__ == "os.system('id')"
    changed_json(bundle, layout.SCHEMA, name="a\u0000b")
    with pytest.raises(BundleError, match="null"):
        Bundle.open(bundle)


@pytest.mark.parametrize("runtime", ["onnx", "python"])
def test_a_target_of_hydra_in_the_metadata_is_never_built(
    bundle, python_bundle, runtime, canary, in_project, opened
):
    """In the lineage, the evaluation, the profile and the schema: data, whatever they name."""
    folder = bundle if runtime == "onnx" else python_bundle
    call = {"_target_": "os.system", "_args_": [f"touch {canary}"], "command": f"touch {canary}"}
    for name in (layout.EVALUATION, layout.PROFILE, layout.SCHEMA):
        changed_json(folder, name, **call, config=call)
    reseal(folder, lineage={"config": {"features": call, "model": {"estimator": call}, **call}})
    opened.clear()
    everything_read(folder)
    assert main(["predict", str(folder), "data/flight.json"]) == 0
    assert main(["evaluate", str(folder)]) == 0
    assert not any("touch" in command for command in opened)
