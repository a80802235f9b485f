"""Meet a full disk: no file of a process may grow beyond a size; test_faults.py runs this.

`python filling.py BUNDLE URI` prints, as JSON, how the tracking store and the outbox tell
that they are full, and how many runs wait then and have been sent in the end.
"""

import json
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from forks_of_tests import crowd, import_late
from registry_of_tests import record, settings

from mlkit.core.bundle import Bundle
from mlkit.registry import outbox
from mlkit.registry.recording import outbox_of
from mlkit.registry.tracking import sync


def limited(size: int, work: Callable[[], object]) -> object:
    """Do a piece of work while files have at most `size` bytes."""
    # Else the system ends the process; like this, a write fails as it does on a full disk.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return work()


def main(path: str, uri: str) -> None:
    """Let a run wait; then let the database be full, and the outbox."""
    bundle = Bundle.open(path)
    config = settings(Path("project"), uri)
    # A folder is no database.
    unreachable = settings(Path("project"), f"sqlite:///{Path.cwd()}")
    waiting = outbox_of(config)
    import_late()
    largest = max(file.stat().st_size for file in bundle.path.iterdir())
    works: dict[str, Callable[[], object]] = {
        "kept": lambda: record(unreachable, bundle),
        "database": lambda: limited(512, lambda: sync(uri, waiting)),
        "outbox": lambda: limited(largest - 1, lambda: record(unreachable, bundle)),
        "waiting": lambda: [folder.name for folder in outbox.pending(waiting)],
        "sent": lambda: len(sync(uri, waiting)),
    }
    print(json.dumps({name: crowd([work])[0] for name, work in works.items()}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
