"""What connections may take: how many there are, how late a head, how slow a reader."""

from asyncio import BaseTransport, TimerHandle
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlkit.serving.bodies import WHOLE
from mlkit.serving.gate import Gate


class Connection(HttpToolsProtocol):
    """One connection to a `Gate`, with bounds that uvicorn has none of.

    By itself it waits without end for the first request of a connection, for the rest of a
    head, and for a caller to read; and it keeps every connection, however many there are.
    """

    app: Gate

    def __init__(self, config: Config, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._late: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._is_in_head = True
        self._is_one_too_many = False

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._is_one_too_many = len(self.connections) > self.app.limits.connections
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        self._watch_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless there is no room."""
        if self._is_one_too_many:
            self._turn_away()
            return
        super().data_received(data)
        if self._is_in_head and self._late is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """Note that the head is there."""
        self._is_in_head = False
        self._wait_no_longer()
        before = len(self.tasks)
        super().on_headers_complete()
        self._count(before)

    def on_message_complete(self) -> None:
        """Note that nothing is to be waited for."""
        self.scope[WHOLE] = True  # type: ignore[literal-required]
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with a request that came before this one was answered."""
        before = len(self.tasks)
        super().on_response_complete()
        self._count(before)

    def pause_writing(self) -> None:
        """Hold an answer back, and watch whether the caller reads what it has."""
        super().pause_writing()
        self._watch(None)

    def resume_writing(self) -> None:
        """Go on with the answer."""
        self._watch_no_longer()
        super().resume_writing()

    def _count(self, before: int) -> None:
        """Count the request that uvicorn began to answer, if it did: not all are begun at once."""
        self.app.waiting += len(self.tasks) - before

    def _wait(self) -> None:
        # Closed without an answer, as a connection is that is idle.
        self._late = self.loop.call_later(self.app.limits.head_seconds, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _watch(self, before: int | None) -> None:
        """Hang up on a caller that has read nothing since there were so many bytes left."""
        left = self.transport.get_write_buffer_size()
        if left == before:
            self.transport.abort()
            return
        self._unread = self.loop.call_later(self.app.limits.unread_seconds, self._watch, left)

    def _watch_no_longer(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _turn_away(self) -> None:
        """Answer by hand: what comes is not read."""
        if self.transport.is_closing():
            return
        refused = self.app.turn_away()
        body = msgspec.json.encode({"error": str(refused)})
        headers = {
            **refused.headers,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 503 Service Unavailable\r\n{lines}\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()
