"""Keep small data by what is in them, so that a model can be built again from the same."""

import shutil
from pathlib import Path

from mlkit.core.files import written_file


def keep(source: Path, folder: Path, fingerprint: str, *, most_mib: float) -> Path | None:
    """Copy a table to its place among the snapshots, unless it is too large; return that.

    Parameters
    ----------
    source
        The file that was read.
    folder
        Of the snapshots.
    fingerprint
        Of its rows.
    most_mib
        The largest file that is copied, in MiB.
    """
    if source.stat().st_size > most_mib * 2**20:
        return None
    place = folder / f"{fingerprint}{''.join(source.suffixes[-2:])}"
    if not place.exists():
        with written_file(place) as draft:
            shutil.copyfile(source, draft)
    return place


def find(folder: Path, fingerprint: str) -> Path | None:
    """Return the snapshot of the rows with a fingerprint, if there is one."""
    return next(iter(folder.glob(f"{fingerprint}.*")), None)
