"""What is no address is refused, and of one that is nothing secret is shown."""

import pytest

from mlkit.core.errors import ConfigError
from mlkit.registry.connection import check_address, connect, shown


@pytest.mark.parametrize(
    "uri",
    [
        *("sqlite", "sqlite:mlruns.db", "sqlite://mlruns.db", "sqlite://", "sqlite:///"),
        *("sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true", "sqlite:///?x=1"),
        *("postgresql", "postgresql:mlflow", "https:host", "https://", "databrick"),
    ],
)
def test_what_would_keep_nothing_is_refused(uri):
    """Memory, and what only begins like an address."""
    with pytest.raises(ConfigError, match="is no address of MLflow"):
        check_address(uri)


@pytest.mark.parametrize(
    "uri",
    [
        *("sqlite:///mlruns.db", "sqlite:////srv/mlruns.db", "sqlite+pysqlite:///x.db"),
        *("postgresql+psycopg://me:secret@host/db", "mysql://host/db", "http://localhost:5000"),
        *("https://mlflow.example.org", "databricks", "databricks://profile"),
    ],
)
def test_what_mlflow_keeps_is_taken(uri):
    """Files of SQLite, databases, servers."""
    check_address(uri)


def test_a_database_that_no_driver_knows_is_an_error_of_the_settings():
    """The tracking store cannot be down if there is none of its kind."""
    with pytest.raises(ConfigError, match=r"postgresql\+nobody://host/db is no address: .*plugin"):
        connect("postgresql+nobody://host/db")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://me:se@cret@host:1/a", "https://***@host:1/a"),
        ("https://secret@host", "https://***@host"),
        ("postgresql://me:se/cret@host/db", "postgresql://***@host/db"),
        ("mysql://host/db?password=secret&a=b", "mysql://host/db?password=***&a=b"),
        (
            "mssql:///?odbc_connect=UID%3Dme;PWD%3Dsecret",
            "mssql:///?odbc_connect=UID%3Dme;PWD%3D***",
        ),
        ("sqlite:///data/me@host/mlruns.db", "sqlite:///data/me@host/mlruns.db"),
        ("see https://host/a and me@host", "see https://host/a and me@host"),
    ],
)
def test_only_what_is_secret_is_hidden(uri, expected):
    """Tokens and passwords, wherever they stand; hosts and paths stay."""
    assert shown(uri) == expected
