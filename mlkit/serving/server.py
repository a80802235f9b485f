"""Run a service: in this process, or in several that share a port."""

import os
import socket
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.supervisors import Multiprocess

from mlkit.core.errors import ConfigError, MlkitError
from mlkit.core.log import configure_logging, get_logger
from mlkit.serving.app import build_app
from mlkit.serving.gate import Gate
from mlkit.serving.journal import check_folder
from mlkit.serving.metrics import FOLDER
from mlkit.serving.places import find_places
from mlkit.serving.service import Service
from mlkit.serving.settings import LOOPBACK, Settings

log = get_logger(__name__)
#: Of connections that the system keeps until they are taken.
_BACKLOG = 2048


def serve(
    settings: Settings, *, trusted: Sequence[str] = (), signers: Sequence[str] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    settings
        What is served, and how.
    trusted, signers
        See `Predictor.load`.

    Raises
    ------
    MlkitError
        If a bundle cannot be used, the address is taken, or the log cannot be written.
    """
    if not settings.models:
        raise ConfigError("Nothing to serve: name a bundle, or list models in conf/serving.yaml.")
    if settings.host not in LOOPBACK and settings.token_env is None:
        log.warning("service_open", host=settings.host, todo="set token_env, or guard the network")
    with find_places(settings) as places, _bound(settings) as bound:
        port = bound.getsockname()[1]
        build = partial(_build, settings, places, tuple(trusted), signers)
        if settings.workers == 1:
            app = build()
            _say(settings, port)
            uvicorn.Server(_config(settings, app)).run([bound])
            return
        check_folder(settings.log)
        with tempfile.TemporaryDirectory(prefix="mlkit-metrics-") as folder:
            os.environ[FOLDER] = folder
            _say(settings, port)
            Multiprocess(_config(settings, partial(_in_worker, build)), [bound]).run()


def _config(settings: Settings, app: "Gate | partial[Gate]") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, partial),
        workers=settings.workers,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        limit_concurrency=settings.limits.connections,
        timeout_graceful_shutdown=int(settings.limits.finish_seconds) or 1,
    )


def _in_worker(build: "partial[Gate]") -> Gate:
    """Build the application in a process of its own."""
    configure_logging()
    try:
        return build()
    except MlkitError as error:
        log.error("service_failed", reason=str(error))
        raise SystemExit(3) from None


def _build(
    settings: Settings,
    places: dict[str, Path],
    trusted: Sequence[str],
    signers: Sequence[str] | None,
) -> Gate:
    return build_app(Service(settings, places, trusted=trusted, signers=signers))


def _bound(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}. "
            "Give another --port, or --port 0 for a free one."
        ) from None


def _say(settings: Settings, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    names = ", ".join(model.name or model.bundle for model in settings.models)
    print(f"Serving {names} at http://{host}:{port} (try /docs)", flush=True)  # noqa: T201
