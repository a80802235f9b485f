"""What stops a trace: an operation that is not covered, and where it stands."""

import inspect
import linecache
import sys
from collections.abc import Mapping
from traceback import walk_stack, walk_tb
from types import CodeType
from typing import Any

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

    _fault = "does not compile"

    def __init__(
        self, operation: str, advice: str, error: Exception | None = None, line: str = ""
    ) -> None:
        self.operation = operation
        self.advice = advice
        self.line = line or _line(error)
        super().__init__(f"{self.line}: {operation} {self._fault}. {advice}")


class Inconstant(Untraceable):
    """What the clock or chance decides: a model with it would drift, however it runs."""

    _fault = "is not the same each time"


def is_somebodys(code: CodeType, names: Mapping[str, Any]) -> bool:
    """Whether code, with its globals, is of a file that is not mlkit's, Python's or a library's.

    By names: a team's own package stands among the libraries once it is installed.
    """
    package = names.get("__name__", "").partition(".")[0]
    is_known = package in _LIBRARIES or package in sys.stdlib_module_names
    return not is_known and code.co_filename.endswith(".py")


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
        if is_somebodys(frame.f_code, frame.f_globals):
            return text_of(frame.f_code.co_filename, number)
    return "the pipeline's featurizer"
