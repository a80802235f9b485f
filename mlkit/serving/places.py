"""Find where the bundles of a service lie, and follow the names of a registry."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from mlkit.core.errors import MlkitError, relayed
from mlkit.core.extras import load
from mlkit.core.log import get_logger
from mlkit.serving.settings import Settings

log = get_logger(__name__)
#: Has MLflow, which no process that serves imports: it takes 3 s and 100 MB. With -P nothing
#: that lies in the current folder is imported in its place.
_FOLLOWER = (sys.executable, "-P", "-m", "mlkit.registry.following")
#: For how long the follower may end, in s.
_PATIENCE = 5


@contextmanager
def find_places(settings: Settings) -> Iterator[dict[str, Path]]:
    """Yield where the bundle of each text in the settings lies.

    That is a folder; or, of NAME/VERSION and NAME@ALIAS, a file that holds the path of one
    and that another process keeps up to date meanwhile. A folder that is there goes first.

    Raises
    ------
    MlkitError
        If a name is not in a registry that answers, and no bundle of it was fetched before.
    """
    texts = [text for model in settings.models for text in model.bundles()]
    names = [text for text in texts if not Path(text).exists() and _is_reference(text)]
    folders = {text: Path(text) for text in texts if text not in names}
    if not names:
        yield folders
        return
    # The process that follows has no other way to say that it cannot be imported.
    load("platformdirs", extra="registry", purpose="The registry")
    follower = FollowerProcess(settings, names)
    try:
        yield {**folders, **follower.files}
    finally:
        follower.close()


class FollowerProcess:
    """A process that follows names in the registry; another takes its place if it dies.

    Parameters
    ----------
    settings
        Where the registry is, and how often it is asked.
    names
        What to follow.

    Attributes
    ----------
    files
        By its name, what holds the path of its bundle.

    Raises
    ------
    MlkitError
        As the process does.
    """

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        self._seconds = settings.watch_seconds
        self._order = msgspec.json.encode(
            {"uri": settings.uri, "seconds": self._seconds, "names": names}
        )
        self._is_over = threading.Event()
        self._process = self._started()
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            code = self._process.wait()
            raise MlkitError(f"What follows the registry ended with the code {code}; see its log.")
        answer = msgspec.json.decode(line)
        if "message" in answer:
            self._process.wait()
            raise relayed(**answer)
        self.files = {name: Path(path) for name, path in answer.items()}
        threading.Thread(target=self._watch, name="mlkit-follower", daemon=True).start()

    def close(self) -> None:
        """End the process."""
        self._is_over.set()
        self._end()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(  # noqa: S603
            _FOLLOWER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # It ends with its standard input, and not by a signal to this group.
            start_new_session=True,
        )
        if process.stdin:
            # One that died at once is told by its end.
            with suppress(BrokenPipeError):
                process.stdin.write(self._order + b"\n")
                process.stdin.flush()
        return process

    def _watch(self) -> None:
        while not self._is_over.is_set():
            code = self._process.wait()
            if self._is_over.wait(self._seconds):
                return
            log.error("follower_replaced", code=code)
            try:
                self._process = self._started()
            except OSError as error:
                log.error("follower_failed", reason=error.strerror)

    def _end(self) -> None:
        process = self._process
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _is_reference(text: str) -> bool:
    references = load("mlkit.registry.references", extra="registry", purpose="The registry")
    is_reference: bool = references.is_reference(text)
    return is_reference
