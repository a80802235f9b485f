"""Put a service's endpoints at their addresses."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mlkit.core.log import get_logger
from mlkit.core.version import __version__
from mlkit.serving.documents import documents_routes
from mlkit.serving.gate import Gate
from mlkit.serving.inference import inference_routes
from mlkit.serving.metrics import CONTENT_TYPE
from mlkit.serving.plain import Predict
from mlkit.serving.service import Service

log = get_logger(__name__)


def build_app(service: Service) -> Gate:
    """Return the ASGI application of a service.

    Raises
    ------
    ConfigError
        See `Settings.token`.
    """

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.render(), headers={"content-type": CONTENT_TYPE})

    predict = Predict(service)
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
        _end_with_parent()
        watching = asyncio.create_task(service.watch())
        models = {name: model.champion.model for name, model in service.models.items()}
        log.info("service_started", pid=os.getpid(), mlkit=__version__, models=models)
        yield
        watching.cancel()
        await service.close()
        log.info("service_stopped", pid=os.getpid())

    app = Router(routes, redirect_slashes=False, lifespan=lifespan)
    return Gate(app, service, service.settings.token())


def _drain_first(service: Service) -> None:
    """Let SIGTERM and SIGINT first tell that the service is not ready, and stop it only later."""
    loop = asyncio.get_running_loop()
    seconds = service.settings.limits.drain_seconds
    stop: Any = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        if service.is_draining and number == signal.SIGTERM:
            # A group's signal comes to a worker twice: from whoever sent it, and its parent.
            return
        wait = 0 if service.is_draining else seconds
        if not service.is_draining:
            service.is_draining = True
            log.info("service_draining", seconds=seconds)
        loop.call_soon_threadsafe(loop.call_later, wait, stop, number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, drain)


def _end_with_parent() -> None:
    """Stop as by SIGTERM once the process that started this one is gone, even by kill -9."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(parent.sentinel)
        log.error("service_orphaned", pid=os.getpid())
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(parent.sentinel, end)
