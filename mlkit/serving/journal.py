"""The receipts of one process, written so that a kill -9 cannot spoil them."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mlkit.core.errors import ConfigError
from mlkit.core.files import written_file
from mlkit.core.log import get_logger
from mlkit.core.receipts import SEGMENT, Receipt, schema_file
from mlkit.serving.settings import Log

log = get_logger(__name__)

#: Receipts that may wait: more would hold up the loop when they are written. To make some one
#: after the other takes a third of what it takes to make each beside its answer.
_MOST_WAITING = 16
#: What is kept in memory while nothing can be written, in bytes; what comes then is lost.
_MOST_BYTES = 16 * 2**20
#: How long to wait before writing is tried again, in s.
_RETRY_SECONDS = 1.0
#: What makes a receipt, or its JSON.
Line = Callable[[], Receipt] | msgspec.Raw


class Journal:
    """The segment that one process writes.

    What cannot be written waits, up to 16 MiB of it, and is tried again each second:
    the service answers on.

    Parameters
    ----------
    folder
        Of all segments; made if absent.
    settings
        When to flush and when to close.
    lost
        Called with the number of receipts that were given up.
    closed
        Called after a segment was closed, while the service runs.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        settings: Log,
        *,
        lost: Callable[[int], object],
        closed: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._lost = lost
        self._closed = closed
        self._flush_seconds = settings.flush_seconds
        self._waiting: list[Line] = []
        self._most_waiting = _MOST_WAITING if settings.flush_seconds else 0
        self._most_bytes = settings.segment_mib * 2**20
        self._most_seconds = settings.segment_minutes * 60
        self._schemas: dict[str, bytes] = {}
        self._encoder = msgspec.json.Encoder()
        # What could not be written, and of what waits since then, how much it is.
        self._unwritten = b""
        self._more = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._aging: asyncio.TimerHandle | None = None
        self._is_old = False
        self._is_failing = False
        try:
            self._file = self._opened()
        except OSError as error:
            raise ConfigError(
                f"Receipts cannot be written to the folder {folder}: {error.strerror}. Give "
                "another: --log FOLDER, or log.folder of the service's settings; null keeps none."
            ) from None

    def keep_schema(self, digest: str, content: bytes) -> None:
        """Lay a schema beside the receipts that name it; on a full disk, with the next segment."""
        self._schemas[digest] = content
        try:
            self._write_schemas()
        except OSError:
            self._is_old = True

    def add(self, line: Line) -> None:
        """Take what makes a receipt, or its JSON; the system has it within `flush_seconds`.

        One that is made, since it is long, is written at once.
        """
        if self._is_failing:
            made = line if isinstance(line, msgspec.Raw) else encoded(line())
            more = self._more + memoryview(made).nbytes
            if len(self._unwritten) + more > _MOST_BYTES:
                self._lost(1)
            else:
                self._more = more
                self._waiting.append(made)
            return
        self._waiting.append(line)
        if isinstance(line, msgspec.Raw) or len(self._waiting) > self._most_waiting:
            self._flush()
        elif self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(self._flush_seconds, self._flush)

    def close(self) -> None:
        """Write what waits, and let go of the segment; an empty one goes."""
        for timer in (self._flushing, self._aging):
            if timer is not None:
                timer.cancel()
        try:
            self._write()
        except OSError as error:
            n_lost = self._unwritten.count(b"\n")
            self._lost(n_lost)
            log.error("receipts_lost", count=n_lost, reason=error.strerror)
        if not self._size:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _flush(self) -> None:
        """Hand what waits to the system, which has it even if this process dies."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        loop = asyncio.get_running_loop()
        try:
            # What is written to a file that somebody removed, nobody can read.
            if not os.fstat(self._file).st_nlink:
                self._change()
            self._write()
            if self._size >= self._most_bytes or self._is_old:
                self._change()
                self._closed()
        except OSError as error:
            if not self._is_failing:
                log.error("receipts_delayed", folder=str(self._folder), reason=error.strerror)
            self._is_failing = True
            self._flushing = loop.call_later(_RETRY_SECONDS, self._flush)
            return
        if self._size and self._aging is None:
            self._aging = loop.call_later(self._most_seconds, self._age)
        if self._is_failing:
            log.info("receipts_resumed", folder=str(self._folder))
            self._is_failing = False

    def _age(self) -> None:
        self._is_old = True
        self._flush()

    def _write(self) -> None:
        lines = [each if isinstance(each, msgspec.Raw) else each() for each in self._waiting]
        self._unwritten += self._encoder.encode_lines(lines)
        self._waiting.clear()
        self._more = 0
        while self._unwritten:
            written = os.write(self._file, self._unwritten)
            self._size += written
            self._unwritten = self._unwritten[written:]

    def _change(self) -> None:
        """Go on in a new segment."""
        file = self._opened()
        os.close(self._file)
        self._file = file
        self._is_old = False
        if self._aging is not None:
            self._aging.cancel()
            self._aging = None

    def _opened(self) -> int:
        """Open a new segment; whoever sees it finds it locked."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write_schemas()
        name = f"{datetime.now(tz=UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}{SEGMENT}"
        draft, path = self._folder / f".{name}", self._folder / name
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            draft.rename(path)
        except OSError:
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        self._path, self._size = path, 0
        return file

    def _write_schemas(self) -> None:
        # A copy: a bundle is loaded in a thread, and may bring another.
        for digest, content in [*self._schemas.items()]:
            path = schema_file(self._folder, digest)
            if not path.exists():
                with written_file(path) as draft:
                    draft.write_bytes(content)


def check_folder(settings: Log) -> None:
    """See that receipts can be written, before processes are started of which each would fail.

    Raises
    ------
    ConfigError
        If they cannot.
    """
    if settings.folder is not None:
        Journal(Path(settings.folder), settings, lost=lambda _: None, closed=lambda: None).close()


def encoded(receipt: Receipt) -> msgspec.Raw:
    """Return a receipt as its JSON, which a log need not make any more."""
    return msgspec.Raw(msgspec.json.encode(receipt))
