"""Read the bodies of requests: in time, none too long, and few long ones at once."""

import asyncio

from starlette.types import Message, Receive, Scope

from mlkit.serving.refusals import Refused, busy
from mlkit.serving.settings import Limits

#: In the scope of a request of which the last byte is there.
WHOLE = "mlkit.whole"
#: In bytes: what is longer waits for its turn, so that memory is bounded.
_SHORT = 2**16
#: Long bodies that are read at once.
_AT_ONCE = 8


class Bodies:
    """Reads bodies.

    Parameters
    ----------
    limits
        How long they may be, and how late.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = int(limits.body_mib * 2**20)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body of a request.

        Raises
        ------
        Refused
            If it is too long, or does not come, or not get its turn, in time.
        """
        if WHOLE in scope:
            # Most come in one piece, and a timer takes longer than all of this.
            body, _ = _part(await receive())
            if len(body) > self._most:
                raise self._too_long()
            return body
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > self._most:
            raise self._too_long()
        parts: list[bytes] = []
        size = 0
        has_turn = False
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                has_more = True
                while has_more:
                    part, has_more = _part(await receive())
                    parts.append(part)
                    size += len(part)
                    if size > self._most:
                        raise self._too_long()
                    if size > _SHORT and not has_turn:
                        has_turn = await self._turns.acquire()
        except TimeoutError:
            raise self._too_late(is_waiting=size > _SHORT and not has_turn) from None
        finally:
            if has_turn:
                self._turns.release()
        return b"".join(parts)

    def _too_long(self) -> Refused:
        return Refused(
            413,
            "size",
            f"The body has more than {self._limits.body_mib:g} MiB. Send less at once.",
            {"connection": "close"},
        )

    def _too_late(self, *, is_waiting: bool) -> Refused:
        if is_waiting:
            return busy("Too many long requests come in. Send this one again later.")
        return Refused(
            408,
            "timeout",
            f"The body did not come within {self._limits.body_seconds:g} s.",
            {"connection": "close"},
        )


def _part(message: Message) -> tuple[bytes, bool]:
    """Return what comes of a body, and whether there is more."""
    if message["type"] == "http.disconnect":
        raise Refused(400, "disconnect", "The body broke off.")
    return message.get("body", b""), message.get("more_body", False)
