"""Run a service: in this process, or in several that share a port."""

import logging
import os
import resource
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from pathlib import Path

import uvicorn

from mlkit.core.errors import ConfigError
from mlkit.core.log import get_logger
from mlkit.serving.app import build_app
from mlkit.serving.connections import Connection
from mlkit.serving.gate import Gate
from mlkit.serving.journal import check_folder
from mlkit.serving.metrics import FOLDER
from mlkit.serving.places import find_places
from mlkit.serving.service import Service
from mlkit.serving.settings import LOOPBACK, Settings
from mlkit.serving.workers import Workers

log = get_logger(__name__)
#: Of connections that the system keeps until they are taken.
_BACKLOG = 2048
#: Files that a process has open beside its connections.
_FILES = 256


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
        raise ConfigError("Nothing to serve: name a bundle, or give the settings models.")
    is_open = settings.token() is None and settings.host not in LOOPBACK
    if is_open:
        log.warning("service_open", host=settings.host, todo="set token_env, or guard the network")
    _allow_files(settings.limits.connections + _FILES)
    with _bound(settings) as bound, find_places(settings) as places:
        say = partial(_say, settings, bound.getsockname()[1])
        build = partial(_build, settings, places, tuple(trusted), signers)
        if settings.workers == 1:
            _run(build(spares=None), bound, say)
            return
        check_folder(settings.log)
        with tempfile.TemporaryDirectory(prefix="mlkit-serve-") as folder:
            # Each worker's, as it imports what reads it.
            os.environ[FOLDER] = folder
            build = partial(build, spares=Path(folder, "bundles"))
            Workers(build, _run, bound, say).run(settings.workers)


def _run(app: Gate, bound: socket.socket, begun: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; call `begun` as soon as these end it well."""
    # What it tells of each process is told by the events of mlkit.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    limits = app.limits
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=ceil(limits.idle_seconds),
        timeout_graceful_shutdown=ceil(limits.finish_seconds),
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn takes signals only while it serves, and then sends itself again the one that
    # stopped it: this process ends as any other.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    begun()
    server.run([bound])


def _build(
    settings: Settings,
    places: dict[str, Path],
    trusted: Sequence[str],
    signers: Sequence[str] | None,
    *,
    spares: Path | None,
) -> Gate:
    return build_app(Service(settings, places, trusted=trusted, signers=signers, spares=spares))


def _allow_files(most: int) -> None:
    """Let this process, and those that it starts, have so many files open, if they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
