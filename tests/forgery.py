"""What a forger does: write anything into a bundle, and seal it again."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.pipeline import Pipeline

from mlkit.core import bundle as layout
from mlkit.training.storage import load_pipeline


class Payload:
    """An object whose pickle creates a file when it is opened."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def pickled(canary: Path) -> bytes:
    """Return a pickle that creates the canary."""
    return pickle.dumps(Payload(canary))


def reseal(folder: Path, **changes: object) -> None:
    """Change a bundle's manifest, and make every digest fit again."""
    manifest = msgspec.json.decode((folder / layout.MANIFEST).read_bytes(), type=layout.Manifest)
    layout.seal(folder, msgspec.structs.replace(manifest, **changes))


def replaced(folder: Path, name: str, content: bytes | str) -> Path:
    """Write one file of a bundle anew, and seal the folder again."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    reseal(folder)
    return folder


def changed_json(folder: Path, file: str, **changes: Any) -> Path:
    """Change top-level fields of one of a bundle's JSON files, and seal it again."""
    form = json.loads((folder / file).read_text()) | changes
    return replaced(folder, file, json.dumps(form))


def opened(path: Path, trusted: list[str]) -> Pipeline:
    """Open a stored pipeline as it is opened in a bundle."""
    return load_pipeline(path.read_bytes(), trusted, path)


def claiming(shape: tuple[int, ...], descr: str = "<f8", held: bytes = b"") -> bytes:
    """Return an .npy file whose header claims a shape, whatever it holds."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + held


def node(loader: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return a node of skops' schema.json; `name` is dotted."""
    module, _, cls = name.rpartition(".")
    return {"__class__": cls, "__module__": module, "__loader__": loader, **fields}


def value(constant: Any) -> dict[str, Any]:
    """Return a node that is a constant."""
    return node("JsonNode", "builtins.str", content=json.dumps(constant), is_json=True)


def values(loader: str, name: str, *items: dict[str, Any]) -> dict[str, Any]:
    """Return a node that is a tuple or a list."""
    return node(loader, name, content=[*items])


def stored(root: dict[str, Any], protocol: int = 2, **members: bytes) -> bytes:
    """Return a file of skops with this schema; `a_npy` names the member `a.npy`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
        archive.writestr("schema.json", json.dumps(root | {"protocol": protocol}))
    return file.getvalue()
