"""Say of each request that it was answered: a line of JSON on stderr, like all logs."""

import asyncio
import sys
from datetime import UTC, datetime

import msgspec

#: How late a line may come, in s: a write for each would cost more than all else in it.
_LATE = 0.1


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
        From the whole request to the answer.
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
        self._encode = msgspec.json.Encoder().encode
        self._buffer = bytearray()

    def add(
        self, request: str, method: str, path: str, status: int, ms: float, client: str | None
    ) -> None:
        """Keep a line, until others came or a tenth of a second is over."""
        if not self._buffer:
            asyncio.get_running_loop().call_later(_LATE, self.flush)
        answered = Answered(
            request=request,
            method=method,
            path=path,
            status=status,
            ms=ms,
            client=client,
            timestamp=datetime.now(UTC),
        )
        self._buffer += self._encode(answered)
        self._buffer += b"\n"

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._buffer = self._buffer, bytearray()
        sys.stderr.buffer.write(kept)
        sys.stderr.flush()
