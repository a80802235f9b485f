"""Keep what each step made, whole or not at all, and let one process at a time work on it.

A step's output lies in `STEP/KEY`, where the key is the digest of all that goes into it. What
is there under its key is done. `run.json` names the outputs of the present run.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlkit.core.errors import MlkitError
from mlkit.core.files import written_file

_RUN, _LOCK = "run.json", "lock"
#: Runs whose outputs are kept, the present one among them.
_KEPT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs whose outputs are kept.

    Attributes
    ----------
    steps
        The keys of the present run, by the steps that are done.
    finished
        Whether it came to its end, a new champion or a reason to stop.
    earlier
        The same keys of those before, the newest first.
    """

    steps: Mapping[str, str] = field(default_factory=dict)
    finished: bool = True
    earlier: tuple[Mapping[str, str], ...] = ()


class State:
    """The folder in which the outputs lie; only who holds its lock may write there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock; the system gives it back however the process ends.

        Raises
        ------
        MlkitError
            At once, if another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip()
                who = f", process {holder}," if holder else ""
                raise MlkitError(
                    f"Another mlkit retrain{who} is at work here: it holds {self.folder / _LOCK}. "
                    "Wait for its end, then do the same again."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            self._sweep()
            yield

    def place(self, step: str, key: str) -> Path:
        """Return where a step's output lies."""
        return self.folder / step / key

    def runs(self) -> Runs:
        """Return the runs whose outputs are kept."""
        path = self.folder / _RUN
        if not path.is_file():
            return Runs()
        found = json.loads(path.read_bytes())
        return Runs(**{**found, "earlier": tuple(found["earlier"])})

    def write(self, runs: Runs) -> None:
        """Replace what `runs` returns, at once."""
        with written_file(self.folder / _RUN) as draft:
            draft.write_text(json.dumps(asdict(runs), indent=1), encoding="utf-8")

    def clean(self) -> None:
        """Remove the outputs that no run which is kept has."""
        runs = self.runs()
        kept = {self.place(*item) for each in (runs.steps, *runs.earlier) for item in each.items()}
        for place in self.folder.glob("[!.]*/[!.]*"):
            if place not in kept:
                # Half of one that is removed must not be taken for whole.
                gone = place.with_name(f".{place.name}.gone")
                place.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what killed processes left half-done."""
        for path in [*self.folder.glob(".*"), *self.folder.glob("[!.]*/.*")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def started(runs: Runs, step: str, key: str, *, is_first: bool) -> Runs:
    """Return the runs after a step is done: what came after it in the present run is void."""
    if is_first:
        archived = [runs.steps] if len(runs.steps) > 1 else []
        earlier = tuple([*archived, *runs.earlier][: _KEPT - 1])
        return Runs(steps={step: key}, finished=False, earlier=earlier)
    before = {}
    for name, known in runs.steps.items():
        if name == step:
            break
        before[name] = known
    return Runs(steps={**before, step: key}, finished=False, earlier=runs.earlier)


def digest(values: Any) -> str:
    """Return the SHA-256 of JSON-able values, whatever the order of their keys."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
