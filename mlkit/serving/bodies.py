"""Read the bodies of requests: in time, and with bounds on each and on all together."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from mlkit.serving.refusals import Refused, busy
from mlkit.serving.settings import Limits

#: All bodies that are being read may hold as much as so many of the longest.
_TOGETHER = 8


class Bodies:
    """The bodies that are being read.

    Parameters
    ----------
    limits
        How long they may be, and how late.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = int(limits.body_mib * 2**20)
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Return the body of a request.

        Raises
        ------
        Refused
            If it is too long, does not come in time, or others fill the room for it.
        """
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            raise self._too_long()
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for part in request.stream():
                    size += len(part)
                    self._held += len(part)
                    if size > self._most:
                        raise self._too_long()
                    if self._held > _TOGETHER * self._most:
                        raise busy("Too many long requests come in. Send this one again later.")
                    parts.append(part)
        except TimeoutError:
            raise Refused(
                408,
                "timeout",
                f"The body did not come within {self._limits.body_seconds:g} s.",
                {"connection": "close"},
            ) from None
        except ClientDisconnect:
            raise Refused(400, "disconnect", "The body broke off.") from None
        finally:
            self._held -= size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_long(self) -> Refused:
        return Refused(
            413,
            "size",
            f"The body has more than {self._limits.body_mib:g} MiB. Send fewer records at once.",
            {"connection": "close"},
        )
