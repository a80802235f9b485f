"""Ask a database once whether it is there, and make SQLite's whole or not at all.

MLflow asks one that does not answer again and again, for minutes; and one whose tables it
was making when it was killed never opens again.
"""

import os
import tempfile
from pathlib import Path


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
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if is_file and not Path(str(url.database)).exists():
        _make(Path(str(url.database)))
    waits = {"timeout": patience} if is_file else {}
    engine = create_engine(url, poolclass=NullPool, connect_args=waits)
    # To ask SQLite for nothing but a connection opens no file.
    inspect(engine).get_table_names()


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
