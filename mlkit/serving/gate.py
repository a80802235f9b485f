"""What every request passes: its id, its right to come in, its room, its errors, its counts."""

import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from os import urandom
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlkit.core.errors import DataError, MlkitError
from mlkit.core.log import get_logger
from mlkit.serving.access import AccessLog, Answered
from mlkit.serving.refusals import Refused, busy, error_response
from mlkit.serving.service import Service

log = get_logger(__name__)

#: In the scope: what the request is called in answers, logs and receipts.
REQUEST_ID = "mlkit.request_id"
#: In the scope: the name of the model that was asked, if one was.
MODEL = "mlkit.model"
#: Whoever asks for these has no token: they tell nothing but that the service runs.
_OPEN = ("/v2/health/", "/docs")
#: Answered whatever waits: a service that is busy is alive, and is to be watched.
_ALWAYS = (*_OPEN, "/metrics")
_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Gate:
    """An ASGI application around that which answers.

    Parameters
    ----------
    app
        Routes requests.
    service
        What they are for.
    token
        What callers must show, if anything: `Authorization: Bearer …` or `X-API-Key: …`.

    Attributes
    ----------
    limits
        What the service bears.
    waiting
        Requests that are not answered yet. The server counts a request as soon as it has
        its head, and so before any that came earlier is worked on.
    """

    def __init__(self, app: ASGIApp, service: Service, token: str | None) -> None:
        self._app = app
        self._service = service
        self._token = token.encode() if token else None
        self.limits = service.settings.limits
        self.waiting = 0
        self._access = AccessLog() if service.settings.access_log else None
        self._counted = lru_cache(maxsize=256)(service.metrics.requests.labels)
        self._timed = lru_cache(maxsize=64)(service.metrics.seconds.labels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if self._access is not None:
                self._access.flush()
            return
        start = perf_counter()
        scope["app"] = self
        headers = dict(scope["headers"])
        scope[REQUEST_ID] = _request_id(headers.get(b"x-request-id"))
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", scope[REQUEST_ID].encode()))
                if self._service.is_draining:
                    # The caller's next request goes to another service.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            self._check_token(scope, headers)
            if self.waiting > self.limits.waiting and not scope["path"].startswith(_ALWAYS):
                raise busy(
                    f"More than {self.limits.waiting} requests wait. Send this one again later."
                )
            await self._app(scope, receive, answer)
        except Exception as error:
            if status:
                log.exception("answer_failed", request=scope[REQUEST_ID])
                raise
            await self._refusal(error, scope)(scope, receive, answer)
        finally:
            self.waiting -= 1
            self._tell(scope, status, perf_counter() - start)

    def turn_away(self) -> Refused:
        """Count a connection that there is no room for, and return the refusal."""
        self._service.metrics.errors.labels("connections").inc()
        return busy(
            f"More than {self.limits.connections} connections are open. Send this request again "
            "later."
        )

    def _check_token(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        if self._token is None or scope["path"].startswith(_OPEN):
            return
        shown = headers.get(b"x-api-key", b"")
        kind, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer":
            shown = bearer.strip()
        if not hmac.compare_digest(shown, self._token):
            raise Refused(
                401,
                "token",
                "Show the service's token: Authorization: Bearer TOKEN, or X-API-Key: TOKEN.",
                {"www-authenticate": "Bearer"},
            )

    def _refusal(self, error: Exception, scope: Scope) -> ASGIApp:
        """Return the answer to a request that failed, and count it."""
        errors = self._service.metrics.errors
        fault = None
        headers: dict[str, str] = {}
        if isinstance(error, Refused):
            status, kind, text, headers = error.status, error.kind, str(error), error.headers
        elif isinstance(error, DataError):
            status, kind, text, fault = 422, "contract", str(error), error
        elif isinstance(error, HTTPException):
            status, kind, headers = error.status_code, "address", dict(error.headers or {})
            text = f"There is nothing at {scope['path'][:80]}; /docs says what there is."
            if "Allow" in headers:
                text = f"{scope['path'][:80]} takes {headers['Allow']}; found {scope['method']}."
        else:
            status, kind = 500, "internal"
            text = f"The service failed; its log has the reason under {scope[REQUEST_ID]}."
            # A value of the record may be in the error's text, or in a local variable.
            log.error(
                "request_failed",
                request=scope[REQUEST_ID],
                kind=type(error).__name__,
                place=_place(error),
                reason=str(error) if isinstance(error, MlkitError) else None,
            )
        errors.labels(kind).inc()
        return error_response(status, text, headers=headers, fault=fault)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        endpoint = getattr(scope.get("endpoint"), "__name__", "none")
        model = scope.get(MODEL, "")
        self._counted(endpoint, model, str(status)).inc()
        self._timed(endpoint, model).observe(seconds)
        if self._access is not None:
            client = scope.get("client")
            self._access.add(
                Answered(
                    request=scope[REQUEST_ID],
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 2),
                    client=client[0] if client else None,
                    timestamp=datetime.now(UTC),
                )
            )


def _request_id(given: bytes | None) -> str:
    """Return the caller's id if it can stand in a log, else a new one."""
    return given.decode() if given is not None and is_id(given) else urandom(16).hex()


def is_id(text: bytes) -> bool:
    """Whether a caller's id can stand in a log and in a header."""
    return _ID.fullmatch(text) is not None


def _place(error: BaseException) -> str:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else ""
