"""What a connection may take: a bound on how many there are, and on how long a head takes."""

from asyncio import BaseTransport, TimerHandle
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlkit.serving.bodies import WHOLE
from mlkit.serving.gate import Gate


class Connection(HttpToolsProtocol):
    """One connection to a `Gate`, with bounds that uvicorn has none of.

    By itself it waits without end for the first request of a connection, and for the rest
    of a head; and it keeps every connection, however many there are.
    """

    app: Gate

    def __init__(self, config: Config, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._late: TimerHandle | None = None
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
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that nothing is to be waited for."""
        self.scope[WHOLE] = True  # type: ignore[literal-required]
        super().on_message_complete()

    def _wait(self) -> None:
        # Closed without an answer, as a connection is that is idle.
        self._late = self.loop.call_later(self.app.limits.head_seconds, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

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
