"""Put a service's endpoints at their addresses."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mlkit.core.errors import ConfigError
from mlkit.core.log import get_logger
from mlkit.serving.documents import documents_routes
from mlkit.serving.gate import Gate
from mlkit.serving.inference import inference_routes
from mlkit.serving.metrics import CONTENT_TYPE
from mlkit.serving.plain import predict_endpoint
from mlkit.serving.service import Service

log = get_logger(__name__)


def build_app(service: Service) -> Gate:
    """Return the ASGI application of a service.

    Raises
    ------
    ConfigError
        If the environment variable that should hold its token is empty.
    """

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.render(), headers={"content-type": CONTENT_TYPE})

    predict = predict_endpoint(service)
    routes = [
        Route("/predict", predict, methods=["POST"]),
        Route("/models/{model}/predict", predict, methods=["POST"]),
        *inference_routes(service),
        Route("/metrics", metrics),
        *documents_routes(service),
    ]

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        _drain_first(service)
        watching = asyncio.create_task(service.watch())
        yield
        watching.cancel()
        await service.close()

    app = Router(routes, redirect_slashes=False, lifespan=lifespan)
    return Gate(app, service, _token(service.settings.token_env))


def _token(name: str | None) -> str | None:
    if name is None:
        return None
    token = os.environ.get(name, "")
    if not token:
        raise ConfigError(f"The environment variable {name} should hold the token, and is empty.")
    return token


def _drain_first(service: Service) -> None:
    """Let SIGTERM first tell that the service is not ready, and stop it only later."""
    stop = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        service.is_draining = True
        log.info("service_draining", seconds=service.settings.limits.drain_seconds)
        if callable(stop):
            loop.call_soon_threadsafe(
                loop.call_later, service.settings.limits.drain_seconds, stop, number, frame
            )

    signal.signal(signal.SIGTERM, drain)
