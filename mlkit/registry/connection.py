"""Reach MLflow: imported late, kept quiet, and its errors told in mlkit's words."""

import logging
import os
import random
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlkit.core.errors import ConfigError, RegistryError, UnreachableError
from mlkit.core.extras import load
from mlkit.registry.databases import prepare, prepare_beside

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

#: Set unless the user did. MLflow would ask a dead server for minutes, report its use, and print.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
#: SQLite in memory would forget at once what it was sent.
_ADDRESS = re.compile(
    r"sqlite(\+\w+)?:///(?!:memory:|file:)[^?].*|(postgresql|mysql|mssql)(\+\w+)?://.+"
    r"|https?://.+|databricks(://.+)?"
)
#: What passes by itself: another writer was there first. All have a space, as no name has.
_PASSING = (
    "is locked",
    "deadlock detected",
    "Deadlock found",
    "was deadlocked",
    "UNIQUE constraint failed",
    "duplicate key value",
    "Duplicate entry",
    "could not serialize",
    "creation error",
)
#: What to do about what does not pass, by words that SQLite and the system say.
_TODO = (
    (("is locked",), "Another process holds it: let that end, then do the same again"),
    (("disk I/O",), "See that its disk is sound and has room, then do the same again"),
    (
        ("is full", "No space", "too large", "quota exceeded"),
        "Make room there, then do the same again",
    ),
    (
        (
            "readonly database",
            "Read-only file",
            "ermission denied",
            "unable to open",
            "Not a directory",
            "File exists",
        ),
        "See that its folder is there and may be written",
    ),
    (
        ("onnection refused", "not known", "timed out", "Max retries"),
        "See that it runs, and at this address",
    ),
)
#: SQLAlchemy adds what it asked, and where to read on.
_ASIDE = re.compile(r" \[SQL: .*| \(Background on this error at: \S+\)|\(\w+(\.\w+)+\) ")
#: What of an address may be secret: all before the host, which alone has no slash, and passwords.
_USER = re.compile(r"//([^/\s]*|[^/:\s]*:\S*)@")
_PASSWORD = re.compile(r"((?:password|passwd|pwd|token)(?:=|%3D))[^&\s]*", re.IGNORECASE)
#: MLflow's codes where something of that name is there, and where nothing is.
EXISTS = "RESOURCE_ALREADY_EXISTS"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
#: For how long others are waited for, in s.
_PATIENCE = 60.0


def connect(uri: str) -> "MlflowClient":
    """Return a client of the MLflow at `uri`; a database is made if there is none.

    Raises
    ------
    MissingExtraError
        If the extra `registry` is not installed.
    ConfigError
        If mlkit or MLflow does not know the kind of address.
    UnreachableError
        If it does not answer.
    """
    check_address(uri)
    _set_defaults()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = load("mlflow", extra="registry", purpose="Tracking")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # These write of what is tried again, or told once it fails for good.
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return talk(uri, lambda: _opened(mlflow, uri))


def warm_up(uri: str) -> None:
    """Load MLflow, and make its database, beside other work: together they take 8 s.

    What goes wrong is told by `connect`.
    """
    with suppress(Exception):
        # MLflow reads them while it is imported, in the other process as well.
        _set_defaults()
        making = prepare_beside(uri)
        import_module("mlflow")
        if making is not None:
            making.wait()


def _set_defaults() -> None:
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)


def check_address(uri: str) -> None:
    """Raise a ConfigError if mlkit does not know the kind of address; nobody is asked."""
    if _ADDRESS.fullmatch(uri) is None:
        raise ConfigError(
            f"tracking.uri: {shown(uri)} is no address of MLflow. Write sqlite:///mlruns.db, a "
            "server such as https://mlflow.example.org, or null for no tracking."
        )


def _opened(mlflow: Any, uri: str) -> "MlflowClient":
    if not uri.startswith(("http", "databricks")):
        prepare(uri, patience=_PATIENCE)
    client: MlflowClient = mlflow.MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def talk(uri: str, call: Callable[[], T]) -> T:
    """Return what a call of MLflow returns; wait where others are writing.

    Raises
    ------
    RegistryError
        If MLflow answers that it will not do it.
    UnreachableError
        If MLflow fails, or others never stop writing.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with telling(uri):
                return call()
        except UnreachableError as error:
            reason = _short(error.__cause__ or error)
            passes = any(sign in reason for sign in _PASSING)
            if not passes or time.monotonic() > end:
                raise
            wait = random.uniform(0.01, 0.2)  # noqa: S311  # mlkit: ignore[MLK201] writers that failed together must not try again together
            time.sleep(wait)


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Tell what goes wrong in MLflow as an error that names the address: see `talk`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        with warnings.catch_warnings(), _own_logs():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"tracking.uri: {shown(uri)} needs the package {error.name}. Install it."
        ) from error
    except ArgumentError as error:
        raise ConfigError(f"tracking.uri: {shown(uri)} is no address: {_short(error)}.") from error
    except RegistryError:
        raise
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = _short(error)
        if getattr(error, "error_code", "") in (EXISTS, *ABSENT):
            raise RegistryError(f"The tracking store {shown(uri)} refuses: {reason}.") from error
        known = (todo for signs, todo in _TODO if any(sign in reason for sign in signs))
        todo = next(known, "What was there before is unharmed")
        raise UnreachableError(
            f"The tracking store {shown(uri)} cannot be used: {reason}. {todo}."
        ) from error


@contextmanager
def _own_logs() -> Iterator[None]:
    """Keep the handlers of logs: MLflow 3.6 sets alembic's whenever it opens a database."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def artifacts_of(uri: str, name: str) -> str | None:
    """Return where an experiment's files go: beside a file of SQLite, else as MLflow decides.

    MLflow by itself would take the folder that the first command was run in.
    """
    if not uri.startswith("sqlite"):
        return None
    from sqlalchemy import make_url

    database = make_url(uri).database or ""
    return (Path(database).resolve().parent / "mlruns" / name).as_uri()


def code_of(error: BaseException) -> str:
    """Return MLflow's code of what lies behind an error, such as `EXISTS`."""
    return str(getattr(error.__cause__, "error_code", ""))


def shown(uri: str) -> str:
    """Return an address without what may be secret in it.

    Examples
    --------
    >>> shown("https://me:p@ss@host:5000")
    'https://***@host:5000'
    >>> shown("postgresql://host/db?user=me&password=secret&sslmode=require")
    'postgresql://host/db?user=me&password=***&sslmode=require'
    """
    return _PASSWORD.sub(r"\1***", _USER.sub("//***@", uri))


def _short(error: BaseException) -> str:
    text = _ASIDE.sub("", " ".join(str(error).split()))
    return shown(text)[:300].rstrip(".")
