"""What is wrong with a request, and the answer that it gets."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from mlkit.core.errors import DataError

JSON = "application/json"
OCTETS = "application/octet-stream"
#: In s; nobody knows better when there will be room.
RETRY_AFTER = "1"
#: Violations that an answer lists; a batch of broken records has as many as it has fields.
_MOST_LISTED = 100


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
    if reason == "Input data was truncated":
        reason = "it is empty, or breaks off"
    return Refused(400, "json", f"The body is not readable JSON: {reason}.")


def check_type(headers: Mapping[bytes, bytes], *valid: str) -> None:
    """Raise Refused if a body is of no valid type; "" stands for one that is not told."""
    found = headers.get(b"content-type", b"").decode("latin-1")
    if found.partition(";")[0].strip().lower() not in valid:
        named = " or ".join(filter(None, valid))
        raise Refused(415, "type", f"Send the header Content-Type: {named}; found {found[:80]!r}.")
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if coding.lower() != "identity":
        raise Refused(
            415,
            "type",
            f"Send the body uncompressed; found Content-Encoding: {coding[:80]}.",
            {"accept-encoding": "identity"},
        )


def check_count(found: int, most: int) -> None:
    """Raise Refused if there are more records than `most`."""
    if found > most:
        raise Refused(413, "size", f"At most {most:,} records at once; found {found:,}.")


def error_content(message: str, fault: DataError | None = None) -> dict[str, Any]:
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
            for violation in fault.violations[:_MOST_LISTED]
        ]
    return content


def error_response(
    status: int, message: str, *, headers: dict[str, str] | None = None, fault: DataError | None
) -> Response:
    """Return the answer that tells of an error."""
    return Response(msgspec.json.encode(error_content(message, fault)), status, headers, JSON)
