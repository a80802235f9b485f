"""What each prediction leaves behind, in segments that a kill -9 cannot spoil.

A segment is a file of JSON lines to which one process appends; while that process lives,
it holds a lock on it. A line that was cut short is the last one, and is left out.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlkit.core.log import get_logger
from mlkit.serving.settings import Log

log = get_logger(__name__)

SUFFIX = ".jsonl"
#: What is kept in memory while a disk takes nothing, in bytes; what comes then is dropped.
_MOST_BYTES = 64 * 2**20
Role = Literal["champion", "canary", "shadow"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one bundle said to one request.

    Attributes
    ----------
    id
        The request's.
    time
        When it was answered, in s since 1970, UTC.
    name
        Under which the model is served.
    model
        The name and digest of the bundle, as predictions carry it.
    digest, schema
        SHA-256 of the bundle, and of its schema.
    ms
        How long the bundle took, in ms.
    records
        What was asked, without personal data and fields that the schema does not name.
    predictions
        What was said of each record.
    role
        Whether it was the answer of the champion or a canary, or a shadow's.
    """

    id: str
    time: float
    name: str
    model: str
    digest: str
    schema: str
    ms: float
    records: list[dict[str, Any]]
    predictions: Sequence[Any]
    role: Role = "champion"


class Journal:
    """The segment that one process writes.

    Parameters
    ----------
    folder
        Of all segments; made if absent.
    settings
        When to flush and when to close.
    closed
        Called after a segment was closed.

    Attributes
    ----------
    n_lost
        Receipts that no disk took.
    """

    def __init__(self, folder: Path, settings: Log, closed: Callable[[], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.n_lost = 0
        self._settings = settings
        self._closed = closed
        self._buffer = bytearray()
        self._is_scheduled = False
        self._is_failing = False
        self._open()

    def add(self, line: bytes) -> None:
        """Keep a receipt, as JSON; it is handed to the system within `flush_seconds`."""
        if len(self._buffer) > _MOST_BYTES:
            self.n_lost += 1
            return
        self._buffer += line
        self._buffer += b"\n"
        if not self._settings.flush_seconds:
            self.flush()
        elif not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(self._settings.flush_seconds, self.flush)

    def flush(self) -> None:
        """Hand what is kept to the system, which has it even if this process dies."""
        self._is_scheduled = False
        try:
            while self._buffer:
                written = os.write(self._file, self._buffer)
                self._size += written
                del self._buffer[:written]
        except OSError as error:
            if not self._is_failing:
                log.exception("receipts_delayed", folder=str(self.folder), reason=error.strerror)
            self._is_failing = True
            return
        self._is_failing = False
        is_full = self._size >= self._settings.segment_mib * 2**20
        is_old = time.monotonic() - self._since >= self._settings.segment_minutes * 60
        if self._size and (is_full or is_old):
            self.close()
            self._open()
            self._closed()

    def close(self) -> None:
        """Write what is left, and let go of the segment; an empty one goes."""
        while self._buffer and not self._is_failing:
            self.flush()
        if not self._size:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def _open(self) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.path = self.folder / f"{stamp}-{os.getpid()}-{time.monotonic_ns()}{SUFFIX}"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._size = 0
        self._since = time.monotonic()


def read_segment(path: Path) -> Iterator[Receipt]:
    """Yield the receipts of a segment; the last is left out if it was cut short."""
    decoder = msgspec.json.Decoder(Receipt)
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decoder.decode(line)
