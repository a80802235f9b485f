"""Write files so that a reader sees all of it or none of it."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlkit.core.errors import ConfigError


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_of(path: Path) -> str:
    """Return what a text file says.

    Raises
    ------
    ConfigError
        If it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None


def is_own_file(path: Path) -> bool:
    """Whether a file lies there itself, and no link to one elsewhere."""
    return path.is_file() and not path.is_symlink()


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path`, and put it in that place when the block succeeds.

    What `path` held is kept until the new folder is complete on disk; when the
    block raises, nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if _previous(path).exists() and not path.exists():
        # A process was killed between the two renames of `_swap`.
        _previous(path).rename(path)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    draft.chmod(0o755)
    try:
        yield draft
        for file in (*draft.rglob("*"), draft):
            flush(file)
        _swap(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """Yield a file's path beside `path`, and rename it when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        flush(draft)
        draft.replace(path)
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _swap(draft: Path, path: Path) -> None:
    previous = _previous(path)
    if path.exists():
        shutil.rmtree(previous, ignore_errors=True)
        path.rename(previous)
    try:
        draft.rename(path)
    except BaseException:
        if previous.exists():
            previous.rename(path)
        raise
    flush(path.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def flush(path: Path) -> None:
    """Have the disk hold what a file, or a folder's list of files, says."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
