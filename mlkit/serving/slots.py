"""A place from which bundles come, and the one of them that is in use."""

from collections.abc import Callable
from pathlib import Path

from mlkit.core.bundle import MANIFEST
from mlkit.serving.deployment import Deployment

Load = Callable[[Path, Deployment | None], Deployment]


class Slot:
    """A place from which bundles come, and the one in use.

    Parameters
    ----------
    place
        A bundle's folder; or a file that holds the path of one, and changes.
    load
        Loads a bundle, and holds it against the one before.
    before
        What the first bundle is held against, if anything.

    Attributes
    ----------
    deployment
        The bundle in use.
    """

    def __init__(self, place: Path, load: Load, before: Deployment | None) -> None:
        self.place = place
        self._load = load
        self._seen = self._mark()
        self.deployment = load(self._folder(), before)

    def find(self) -> Deployment | None:
        """Load what came into the place since it was looked at last; None if nothing did.

        Raises
        ------
        MlkitError
            If it is refused. It is not tried again.
        """
        mark = self._mark()
        if mark in (self._seen, None):
            return None
        self._seen = mark
        found = self._load(self._folder(), self.deployment)
        return None if found.digest == self.deployment.digest else found

    def _folder(self) -> Path:
        if self.place.is_file():
            return Path(self.place.read_text(encoding="utf-8"))
        return self.place

    def _mark(self) -> tuple[str, int, int] | None:
        """Return what differs once another bundle is there; None while none is."""
        try:
            folder = self._folder()
            manifest = (folder / MANIFEST).stat()
        except OSError:
            return None
        return str(folder), manifest.st_mtime_ns, manifest.st_ino
