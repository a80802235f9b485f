"""Reach MLflow: imported late, kept quiet, and its errors told in mlkit's words."""

import logging
import os
import random
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlkit.core.errors import ConfigError, RegistryError, UnreachableError
from mlkit.core.extras import load
from mlkit.registry.databases import prepare

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
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
#: What passes by itself: another writer was there first.
_PASSING = (
    "locked",
    "deadlock",
    "IntegrityError",
    "UNIQUE constraint",
    "duplicate key",
    "could not serialize",
    "creation error",
)
#: What to do about what does not pass, by words that SQLite and the system say.
_TODO = (
    (("locked",), "Another process holds it: let that end, then do the same again"),
    (("disk I/O",), "See that its disk is sound and has room, then do the same again"),
    (("full", "No space", "too large", "quota"), "Make room there, then do the same again"),
    (
        ("readonly", "Read-only", "ermission", "unable to open", "Not a directory", "File exists"),
        "See that its folder is there and may be written",
    ),
    (("refused", "not known", "timed out", "retries"), "See that it runs, and at this address"),
)
#: SQLAlchemy adds what it asked, and where to read on.
_ASIDE = re.compile(r" \[SQL: .*| \(Background on this error at: \S+\)|\(\w+(\.\w+)+\) ")
#: MLflow's code where something of that name is there.
EXISTS = "RESOURCE_ALREADY_EXISTS"
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
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = load("mlflow", extra="registry", purpose="Tracking")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # These write of what is tried again, or told once it fails for good.
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return talk(uri, lambda: _opened(mlflow, uri))


def check_address(uri: str) -> None:
    """Raise a ConfigError if mlkit does not know the kind of address; nobody is asked."""
    if re.split(r"[:+]", uri, maxsplit=1)[0] not in _SCHEMES:
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
    UnreachableError
        If MLflow fails, or others never stop writing.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with telling(uri):
                return call()
        except UnreachableError as error:
            passes = any(sign in str(error) for sign in _PASSING)
            if not passes or code_of(error) == EXISTS or time.monotonic() > end:
                raise
            # Writers that failed together must not try again together.
            time.sleep(random.uniform(0.01, 0.2))  # noqa: S311


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Tell what goes wrong in MLflow as an UnreachableError that names the address."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"tracking.uri: {shown(uri)} needs the package {error.name}. Install it."
        ) from error
    except RegistryError:
        raise
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = _short(error)
        known = (todo for signs, todo in _TODO if any(sign in reason for sign in signs))
        todo = next(known, "What was there before is unharmed")
        raise UnreachableError(
            f"The tracking store {shown(uri)} cannot be used: {reason}. {todo}."
        ) from error


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
    """Return an address without its password."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", uri)


def _short(error: BaseException) -> str:
    text = _ASIDE.sub("", " ".join(str(error).split()))
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", text)[:300].rstrip(".")
