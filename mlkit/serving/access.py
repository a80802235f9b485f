"""Say of each request that it was answered: a line of JSON on stderr, like all logs."""

import asyncio
import sys
from datetime import datetime

import msgspec

#: How late a line may come, in s: a write for each would cost more than all else in it.
_LATE = 0.1
#: Lines that may wait: more would hold up the loop when they are written.
_MOST_WAITING = 32


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was answered; see the other events of the log.

    Attributes
    ----------
    request
        Its id.
    method, path, client
        What was asked for, and by which address.
    status
        Of the answer.
    ms
        From the request's head to its answer.
    timestamp
        When it was answered.
    """

    request: str
    method: str
    path: str
    status: int
    ms: float
    client: str | None
    timestamp: datetime
    event: str = "request_answered"


class AccessLog:
    """Writes what is answered, many lines at once."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode_lines
        self._waiting: list[Answered] = []
        self._flushing: asyncio.TimerHandle | None = None

    def add(self, answered: Answered) -> None:
        """Keep a line, until others came or a tenth of a second is over."""
        self._waiting.append(answered)
        if len(self._waiting) == _MOST_WAITING:
            self.flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(_LATE, self.flush)

    def flush(self) -> None:
        """Write what is kept."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        kept, self._waiting = self._waiting, []
        sys.stderr.buffer.write(self._encode(kept))
        sys.stderr.flush()
