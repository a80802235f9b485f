"""Keep small data by what is in them, so that a model can be built again from the same."""

import shutil
from pathlib import Path

from mlkit.core.files import written_file
from mlkit.core.log import get_logger

log = get_logger(__name__)


def keep(
    source: Path, folder: Path, fingerprint: str, *, most_mib: float, started: int
) -> Path | None:
    """Copy a table to its place among the snapshots, unless it is too large; return that.

    One that was changed or replaced after it was read is not copied.

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
    started
        A moment before it was read, in ms since 1970, UTC.
    """
    state = source.stat()
    if state.st_size > most_mib * 2**20:
        return None
    # Unlike the time of the last write, a copy or a rename does not bring this one along.
    if state.st_ctime_ns // 1_000_000 > started:
        log.warning("snapshot_skipped", path=str(source), reason="changed since the run began")
        return None
    place = folder / f"{fingerprint}{''.join(source.suffixes[-2:])}"
    if not place.exists():
        with written_file(place) as draft:
            shutil.copyfile(source, draft)
    return place


def find(folder: Path, fingerprint: str) -> Path | None:
    """Return the snapshot of the rows with a fingerprint, if there is one."""
    return next(iter(folder.glob(f"{fingerprint}.*")), None)
