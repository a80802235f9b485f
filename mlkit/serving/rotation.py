"""Have closed segments turned into Parquet, in a process of its own."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from mlkit.core.log import get_logger
from mlkit.core.receipts import closed_segments

log = get_logger(__name__)


class Rotation:
    """Starts what turns segments into Parquet, so that the service itself never loads PyArrow.

    Without PyArrow the segments stay as they are, and this is logged once.

    Parameters
    ----------
    folder
        Of the segments.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._is_possible = find_spec("pyarrow") is not None
        if not self._is_possible:
            log.info("rotation_left_out", folder=str(folder), todo="pip install pyarrow")

    def start(self) -> None:
        """Turn what is closed into Parquet, unless nothing is, or that goes on already."""
        is_running = self._process is not None and self._process.poll() is None
        if not self._is_possible or is_running or not closed_segments(self._folder):
            return
        # -P: what lies in the current folder is not imported.
        command = [sys.executable, "-P", "-m", "mlkit.history.rotating", str(self._folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self) -> None:
        """End what goes on; another service takes it up."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
