"""A place from which bundles come, and the one of them that is in use."""

from collections.abc import Callable
from pathlib import Path

from mlkit.core.bundle import MANIFEST
from mlkit.core.errors import MlkitError
from mlkit.core.log import get_logger
from mlkit.serving.deployment import Deployment
from mlkit.serving.spares import Spare

log = get_logger(__name__)
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
    spare
        Where the bundle in use is kept for other processes, if there are any.

    Attributes
    ----------
    deployment
        The bundle in use.
    """

    def __init__(
        self, place: Path, load: Load, before: Deployment | None, spare: Spare | None
    ) -> None:
        self.place = place
        self._load = load
        self._spare = spare
        # Whatever is in the place is looked at once more, after a spare.
        self._seen: tuple[str, int, int] | None = None
        found = self._of_spare(before)
        if found is None:
            self._seen = self._mark()
            found = load(self._folder(), before)
            self._keep(found)
        self.deployment = found

    def find(self) -> Deployment | None:
        """Load what came into the place since it was looked at last; None if nothing did.

        Raises
        ------
        MlkitError
            If it is refused. It is not tried again.
        """
        while (mark := self._mark()) not in (self._seen, None):
            self._seen = mark
            try:
                found = self._load(self._folder(), self.deployment)
            except (MlkitError, OSError):
                if self._mark() == mark:
                    raise
                # It was replaced while it was read.
                continue
            if found.digest == self.deployment.digest:
                return None
            self._keep(found)
            return found
        return None

    def _of_spare(self, before: Deployment | None) -> Deployment | None:
        folder = self._spare.find() if self._spare else None
        if folder is None:
            return None
        try:
            return self._load(folder, before)
        except (MlkitError, OSError) as error:
            log.warning("spare_unusable", place=str(self.place), reason=str(error))
            return None

    def _keep(self, found: Deployment) -> None:
        if self._spare is not None:
            self._spare.keep(found.predictor.bundle)

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
