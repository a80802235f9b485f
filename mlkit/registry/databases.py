"""Ask a database once whether it is there, and make SQLite's whole or not at all.

MLflow asks one that does not answer again and again, for minutes; and one whose tables it
was making when it was killed never opens again.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL


def prepare(uri: str, *, patience: float) -> None:
    """Make sure that the database at `uri` answers; make it if it is an absent file.

    Parameters
    ----------
    uri
        As SQLAlchemy writes it.
    patience
        For how long SQLite waits for other writers, in s.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        If it does not answer.
    OSError
        If a file cannot be made.
    """
    from sqlalchemy import NullPool, create_engine, inspect, make_url

    url = make_url(uri)
    path = _file(url)
    if path is not None and not path.exists():
        _make(path)
    waits = {} if path is None else {"timeout": patience}
    engine = create_engine(url, poolclass=NullPool, connect_args=waits)
    # To ask SQLite for nothing but a connection opens no file.
    inspect(engine).get_table_names()


def prepare_beside(uri: str) -> subprocess.Popen[bytes] | None:
    """Make an absent file of SQLite in a process of its own, which ends by itself.

    MLflow takes seconds for it, as long as a small training.
    """
    from sqlalchemy import make_url

    path = _file(make_url(uri)) if uri.startswith("sqlite") else None
    if path is None or path.exists():
        return None
    command = [sys.executable, "-m", "mlkit.registry.databases", uri]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)  # noqa: S603


def _file(url: "URL") -> Path | None:
    """Return the file of SQLite at an address, if it is one."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if is_file else None


def _make(path: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import URL, create_engine

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        draft = Path(folder, path.name)
        engine = create_engine(URL.create("sqlite", database=str(draft)))
        _initialize_tables(engine)  # type: ignore[no-untyped-call]
        engine.dispose()
        try:
            # Unlike a rename, a link never replaces what another process made meanwhile.
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:
            # Some file systems have no links.
            if not path.exists():
                draft.rename(path)


if __name__ == "__main__":
    prepare(sys.argv[1], patience=0)
