"""What stops a trace: an operation that is not covered, and where it stands."""

import inspect
import linecache
import sys
from traceback import walk_stack, walk_tb
from types import FrameType

_LIBRARIES = {"mlkit", "numpy", "onnx", "pandas", "scipy", "sklearn", "spox", "structlog"}
_TRACING = "mlkit.training.compilation.tracing"


class Untraceable(Exception):  # noqa: N818
    """An operation that does not compile.

    Parameters
    ----------
    operation
        What was asked for, in the words of who wrote it.
    advice
        What to write instead.
    error
        What was raised, where that stopped it.
    line
        Where it stands, if that is known; else the code that runs is asked.

    Attributes
    ----------
    line
        File, line and text of the code that asked for it, if it is somebody's
        code; else the step of the pipeline.
    """

    def __init__(
        self, operation: str, advice: str, error: Exception | None = None, line: str = ""
    ) -> None:
        self.operation = operation
        self.advice = advice
        self.line = line or _line(error)
        super().__init__(f"{self.line}: {operation} does not compile. {advice}")


def is_somebodys(frame: FrameType) -> bool:
    """Whether a frame runs code of a file that is neither mlkit's, Python's nor a library's.

    By names: a team's own package stands among the libraries once it is installed.
    """
    package = frame.f_globals.get("__name__", "").partition(".")[0]
    is_known = package in _LIBRARIES or package in sys.stdlib_module_names
    return not is_known and frame.f_code.co_filename.endswith(".py")


def text_of(filename: str, number: int) -> str:
    """Return file, number and text of a line."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return f"{name}:{number} `{linecache.getline(filename, number).strip()}`"


def _line(error: Exception | None) -> str:
    """Return the innermost line of somebody's code, or the step of the pipeline."""
    if error is None:
        stack = list(walk_stack(inspect.currentframe()))
    else:
        # A traceback runs inwards.
        stack = list(walk_tb(error.__traceback__))[::-1]
    for frame, number in stack:
        if frame.f_globals.get("__name__") == _TRACING:
            break
        if is_somebodys(frame):
            return text_of(frame.f_code.co_filename, number)
    return "the pipeline's featurizer"
