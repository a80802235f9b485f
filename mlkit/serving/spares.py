"""Keep the bundle in use where a process that replaces another finds it."""

import shutil
import tempfile
from pathlib import Path

from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError
from mlkit.core.files import written_file

_IN_USE = "in-use"
#: With the one before: a process may just be reading it.
_KEPT = 2


class Spare:
    """A copy of the bundle in use, shared by the processes that use it.

    What lies in its place may have been refused since; whoever replaces a process must
    answer as the others do.

    Parameters
    ----------
    folder
        Of the copies; made if absent.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def find(self) -> Path | None:
        """Return the folder of the copy; None before there is one."""
        try:
            return self._folder / (self._folder / _IN_USE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def keep(self, bundle: Bundle) -> None:
        """Copy a bundle that is in use from now on, unless it has been replaced already."""
        digest = bundle.manifest.digest
        place = self._folder / digest
        if not place.is_dir() and not self._copied(bundle, place):
            return
        with written_file(self._folder / _IN_USE) as draft:
            draft.write_text(digest, encoding="utf-8")
        place.touch()
        copies = [folder for folder in self._folder.glob("[!.]*") if folder.is_dir()]
        for old in sorted(copies, key=_age)[_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def _copied(self, bundle: Bundle, place: Path) -> bool:
        with tempfile.TemporaryDirectory(prefix=".", dir=self._folder) as draft:
            copy = Path(draft, place.name)
            try:
                shutil.copytree(bundle.path, copy)
                if Bundle.open(copy).manifest.digest != place.name:
                    return False
                copy.rename(place)
            except (BundleError, OSError):
                # Another process may have been faster.
                return place.is_dir()
        return True


def _age(folder: Path) -> float:
    try:
        return -folder.stat().st_mtime
    except FileNotFoundError:
        return 0
