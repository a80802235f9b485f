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

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

#: Set unless the user did: MLflow would ask a dead server for minutes, report its use, and
#: draw bars over results.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
#: What passes by itself: another writer was there first.
_PASSING = ("locked", "IntegrityError", "UNIQUE constraint", "duplicate key", "could not serialize")
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
    scheme = re.split(r"[:+]", uri, maxsplit=1)[0]
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"tracking.uri: {shown(uri)} is no address of MLflow. Write sqlite:///mlruns.db, a "
            "server such as https://mlflow.example.org, or null for no tracking."
        )
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow = load("mlflow", extra="registry", purpose="Tracking")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return talk(uri, lambda: _opened(mlflow, uri))


def _opened(mlflow: Any, uri: str) -> "MlflowClient":
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
            if not any(sign in str(error) for sign in _PASSING) or time.monotonic() > end:
                raise
            # Writers that failed together must not try again together.
            time.sleep(random.uniform(0.01, 0.2))  # noqa: S311


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Tell what goes wrong in MLflow as an UnreachableError that names the address."""
    from mlflow.exceptions import MlflowException

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
    except (MlflowException, OSError) as error:
        raise UnreachableError(
            f"The tracking store {shown(uri)} cannot be used: {_short(error)}. Nothing that was "
            "there is lost; see that it runs, has room, and may be written."
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
    """Return MLflow's code of what lies behind an error, such as RESOURCE_ALREADY_EXISTS."""
    return str(getattr(error.__cause__, "error_code", ""))


def shown(uri: str) -> str:
    """Return an address without its password."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", uri)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", text)[:300].rstrip(".")
