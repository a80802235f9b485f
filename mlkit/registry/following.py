"""Follow names in the registry for a service, which must not import MLflow.

Run as `python -m mlkit.registry.following`. Standard input gives one line of JSON, an
`Order`, and ends with the service; so does this process then. Standard output has one
line of JSON: by each name the file that holds the path of its bundle, or what is wrong.
The files lie beside the cache of bundles, and are replaced by rename.
"""

import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec
from platformdirs import user_cache_path

from mlkit.core.bundle import Bundle
from mlkit.core.errors import (
    BundleError,
    ConfigError,
    MissingExtraError,
    MlkitError,
    UnreachableError,
)
from mlkit.core.extras import load
from mlkit.core.files import written_file
from mlkit.core.log import configure_logging, get_logger
from mlkit.core.trust import required_signers
from mlkit.registry.fetching import fetch
from mlkit.registry.references import Reference
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker

log = get_logger(__name__)
_CONF = Path("conf")
#: For how long what is under way may end with the service, in s.
_PATIENCE = 10


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a service wants to be followed.

    Attributes
    ----------
    uri
        Of MLflow; None for `tracking.uri` in the settings of the project.
    seconds
        Between two questions.
    names
        `NAME/VERSION` or `NAME@ALIAS`, each.
    """

    uri: str | None
    seconds: float
    names: tuple[str, ...]


class Follower:
    """The bundles that names mean, fetched, and their paths in files.

    Parameters
    ----------
    uri
        Of MLflow.
    names
        What to follow.

    Attributes
    ----------
    files
        By its name, what holds the path of its bundle.

    Raises
    ------
    ConfigError
        If one of them is no name.
    """

    def __init__(self, uri: str, names: Sequence[str]) -> None:
        self._uri = uri
        self._references = {name: Reference.parse(name) for name in names}
        # A file of SQLite may be named from here.
        whole = f"{Path.cwd()} {uri}" if uri.startswith("sqlite") else uri
        place = hashlib.sha256(whole.encode()).hexdigest()[:16]
        folder = user_cache_path("mlkit") / "followed" / place
        self.files = {name: folder / name.replace("/", "@") for name in names}
        self._registry: Registry | None = None
        self._digests: dict[str, str] = {}
        #: Names that could not be looked up when they were last.
        self._out: set[str] = set()

    def begin(self) -> None:
        """Look every name up; where the registry does not answer, what was there before serves.

        Raises
        ------
        RegistryError
            If a name is not in the registry, or it does not answer and nothing was there.
        """
        for name in self._references:
            try:
                self._follow(name)
            except UnreachableError as error:
                self._lose(name, error, self._before(name, error))

    def go_on(self) -> None:
        """Look every name up again; what cannot be looked up stays as it is."""
        for name, reference in self._references.items():
            # A version is one bundle for good.
            if reference.alias is None and name not in self._out:
                continue
            try:
                self._follow(name)
            except (MlkitError, OSError) as error:
                if name not in self._out:
                    self._lose(name, error, f"{reference.name}/{self._digests[name][:12]}")
            else:
                if name in self._out:
                    self._out.remove(name)
                    log.info("registry_found", name=name)

    def _follow(self, name: str) -> None:
        if self._registry is None:
            self._registry = Registry(Tracker(self._uri))
        version = self._registry.get(self._references[name])
        if self._digests.get(name) == version.digest:
            return
        bundle = fetch(self._registry, version)
        with written_file(self.files[name]) as draft:
            draft.write_text(str(bundle.path), encoding="utf-8")
        self._digests[name] = version.digest
        log.info("bundle_fetched", name=name, version=str(version), bundle=bundle.model)

    def _before(self, name: str, error: UnreachableError) -> str:
        """Return which bundle was there before, if it is whole."""
        try:
            place = self.files[name].read_text(encoding="utf-8")
            return Bundle.open(place, signers=required_signers()).model
        except (OSError, BundleError):
            raise error from None

    def _lose(self, name: str, error: Exception, kept: str) -> None:
        """Tell once that a name cannot be looked up."""
        self._out.add(name)
        log.warning("registry_lost", name=name, kept=kept, reason=str(error))


def main() -> int:
    """Follow until standard input ends; return an exit code."""
    # Nothing that MLflow prints may come between.
    answers, sys.stdout = sys.stdout, sys.stderr
    configure_logging()
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    _end_with_input()
    try:
        follower = Follower(order.uri or _uri(), order.names)
        follower.begin()
    except MlkitError as error:
        _tell(answers, {"exit_code": error.exit_code, "message": str(error)})
        return error.exit_code
    _tell(answers, {name: str(file) for name, file in follower.files.items()})
    while True:
        time.sleep(order.seconds)
        follower.go_on()


def _uri() -> str:
    """Return `tracking.uri` of the project's settings."""
    uri: str | None = None
    if (_CONF / "config.yaml").is_file():
        try:
            config = load("mlkit.training.config", extra="train", purpose="Reading tracking.uri")
        except MissingExtraError as error:
            raise ConfigError(f"{error} Or give --uri.") from None
        uri = config.load_config(str(_CONF)).tracking.uri
    if uri is None:
        raise ConfigError(
            "There is no such folder, and no registry to look a name up in: give --uri, or set "
            "uri in conf/serving.yaml."
        )
    return uri


def _tell(stream: TextIO, answer: dict[str, Any]) -> None:
    stream.write(msgspec.json.encode(answer).decode() + "\n")
    stream.flush()


def _end_with_input() -> None:
    """End this process once nobody holds its standard input open, even by kill -9."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        # What is under way cleans up behind itself.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(_PATIENCE)
        os._exit(1)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
