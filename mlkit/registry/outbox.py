"""Keep a run on disk until the tracking store has it whole."""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mlkit.core.errors import RegistryError
from mlkit.core.files import written_folder

RUN = "run.json"
ARTIFACTS = "artifacts"


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one `train`, `tune` or `evaluate` did.

    Attributes
    ----------
    id
        Told apart by it wherever it is sent: sent twice, it is there once.
    kind
        train, tune, or evaluate.
    name
        The model's name.
    started, ended
        In ms since 1970, UTC.
    params
        The composed settings, by dotted key.
    metrics
        Figures by name; the bounds of an interval end in `_low` and `_high`.
    tags
        What it was made from and on: commit, digests, libraries.
    """

    id: str
    kind: str
    name: str
    started: int
    ended: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def new_id() -> str:
    """Return an id that no other run has."""
    return uuid.uuid4().hex


def keep(outbox: Path, run: Run, artifacts: Mapping[str, Path]) -> Path:
    """Write a run, with copies of files and folders by their new names; return its folder."""
    folder = outbox / run.id
    with written_folder(folder) as draft:
        (draft / ARTIFACTS).mkdir()
        for name, path in artifacts.items():
            place = draft / ARTIFACTS / name
            if path.is_dir():
                shutil.copytree(path, place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)
        (draft / RUN).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))
    return folder


def pending(outbox: Path) -> list[Path]:
    """Return the folders of the runs that wait, damaged ones first, then the oldest."""
    found = [path.parent for path in outbox.glob(f"*/{RUN}") if path.parent.name[0] != "."]
    return sorted(found, key=lambda folder: (_started(folder), folder.name))


@contextmanager
def alone(outbox: Path) -> Iterator[None]:
    """Wait for others that send from the outbox, and keep them waiting: a run is sent once.

    The system gives the lock back however the process ends.
    """
    outbox.mkdir(parents=True, exist_ok=True)
    with (outbox / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(folder: Path) -> Run:
    """Return the run in a folder.

    Raises
    ------
    RegistryError
        If it was damaged.
    """
    try:
        return msgspec.json.decode((folder / RUN).read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"{folder / RUN} cannot be read: {error}.") from None


def _started(folder: Path) -> int:
    try:
        return read(folder).started
    except RegistryError:
        return 0


def drop(folder: Path) -> None:
    """Remove a run that was sent; at no moment does half of one wait."""
    with tempfile.TemporaryDirectory(prefix=".sent.", dir=folder.parent) as gone:
        os.replace(folder, Path(gone) / folder.name)  # noqa: PTH105
