"""Bundles that differ from one another in one thing, and how they come into a folder."""

import json
import shutil
from pathlib import Path

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle, Manifest
from mlkit.core.files import written_folder


def twin(packed: Path, folder: Path, seed: int) -> Path:
    """Copy a bundle as one with a digest of its own, and the same predictions."""
    return _sealed(packed, folder, lineage={"seed": seed})


def liar(packed: Path, folder: Path) -> Path:
    """Copy a bundle as one that says it predicts something else."""
    shutil.copytree(packed, folder)
    golden = json.loads((folder / layout.GOLDEN).read_text())
    golden["scores"] = [1 - score for score in golden["scores"]]
    (folder / layout.GOLDEN).write_text(json.dumps(golden))
    return _sealed(packed, folder)


def stranger(packed: Path, folder: Path) -> Path:
    """Copy a bundle as one whose answers are called otherwise."""
    return _sealed(packed, folder, classes=["early", "late"])


def renamed(packed: Path, folder: Path) -> Path:
    """Copy a bundle as one with another name."""
    return _sealed(packed, folder, name="another")


def demanding(packed: Path, folder: Path) -> Path:
    """Copy a bundle as one that takes no record without `pressure`."""
    shutil.copytree(packed, folder)
    schema, column = _column(folder, "pressure")
    del column["nullable"]
    (folder / layout.SCHEMA).write_text(json.dumps(schema))
    golden = json.loads((folder / layout.GOLDEN).read_text())
    kept = [row for row, each in enumerate(golden["records"]) if each["pressure"] is not None]
    golden = {key: [values[row] for row in kept] for key, values in golden.items()}
    (folder / layout.GOLDEN).write_text(json.dumps(golden))
    return _sealed(packed, folder)


def shy(packed: Path, folder: Path) -> Path:
    """Copy a bundle as one that takes its golden rows, and no shorter `distance` than theirs."""
    shutil.copytree(packed, folder)
    schema, column = _column(folder, "distance")
    column["ge"] = min(record["distance"] for record in Bundle.open(packed).golden.records)
    (folder / layout.SCHEMA).write_text(json.dumps(schema))
    return _sealed(packed, folder)


def put(source: Path, place: Path) -> None:
    """Replace what lies in `place`, as `mlkit train` does."""
    with written_folder(place) as draft:
        shutil.copytree(source, draft, dirs_exist_ok=True)


def _column(folder: Path, name: str) -> tuple[dict, dict]:
    """Return a schema, and one column in it."""
    schema = json.loads((folder / layout.SCHEMA).read_text())
    return schema, next(column for column in schema["columns"] if column["name"] == name)


def _sealed(packed: Path, folder: Path, **changes: object) -> Path:
    if not folder.exists():
        shutil.copytree(packed, folder)
    manifest: Manifest = Bundle.open(packed).manifest
    layout.seal(folder, msgspec.structs.replace(manifest, **changes))
    return folder
