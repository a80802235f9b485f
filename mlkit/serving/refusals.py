"""What is wrong with a request, and the answer that it gets."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mlkit.core.errors import DataError
from mlkit.serving.settings import Limits

JSON = "application/json"
#: In s; nobody knows better when there will be room.
RETRY_AFTER = "1"


class Refused(Exception):  # noqa: N818
    """A request that is not answered.

    Parameters
    ----------
    status
        The HTTP status.
    kind
        What `mlkit_errors_total` counts it as.
    message
        What was wrong, what was found, what to do.
    """

    def __init__(
        self, status: int, kind: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = headers or {}


def busy(message: str) -> Refused:
    """Return the refusal of a request that there is no room for."""
    return Refused(503, "busy", message, {"retry-after": RETRY_AFTER})


def broken(error: Exception) -> Refused:
    """Return the refusal of a body that is no JSON."""
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Refused(400, "json", f"The body is not readable JSON: {reason}.")


def error_response(
    status: int, message: str, *, headers: dict[str, str] | None = None, fault: DataError | None
) -> Response:
    """Return the JSON of an error; clients of the Open Inference Protocol read `error`."""
    content: dict[str, Any] = {"error": message}
    if fault is not None and fault.violations:
        content["violations"] = [
            {
                "field": violation.column,
                "rule": violation.rule,
                **({"record": violation.rows[0]} if violation.rows else {}),
                **({"found": violation.found[0]} if violation.found else {}),
            }
            for violation in fault.violations
        ]
    return Response(msgspec.json.encode(content), status, headers, JSON)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request.

    Raises
    ------
    Refused
        If it is too long, or does not come in time.
    """
    most = int(limits.body_mib * 2**20)
    length = request.headers.get("content-length")
    if length is not None and length.isdigit() and int(length) > most:
        raise _too_long(limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_long(limits)
                parts.append(part)
    except TimeoutError:
        raise Refused(
            408,
            "timeout",
            f"The body did not come within {limits.body_seconds:g} s.",
            {"connection": "close"},
        ) from None
    except ClientDisconnect:
        raise Refused(400, "disconnect", "The body broke off.") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_long(limits: Limits) -> Refused:
    return Refused(
        413,
        "size",
        f"The body has more than {limits.body_mib:g} MiB. Send fewer records at once.",
        {"connection": "close"},
    )
