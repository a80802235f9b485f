"""What stops a trace: an operation that is not covered, and where it stands."""

import inspect
import linecache
import sysconfig
from pathlib import Path
from traceback import walk_stack, walk_tb

_NOBODYS = (str(Path(__file__).parents[2]), sysconfig.get_path("stdlib"))


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

    Attributes
    ----------
    line
        File, line and text of the code that asked for it, if it is somebody's code.
    """

    def __init__(self, operation: str, advice: str, error: Exception | None = None) -> None:
        self.operation = operation
        self.advice = advice
        self.line = _line(error)
        super().__init__(f"{self.line}: {operation} does not compile. {advice}")


def _line(error: Exception | None) -> str:
    """Return the innermost line that belongs to neither mlkit nor a library."""
    stack = walk_stack(inspect.currentframe()) if error is None else walk_tb(error.__traceback__)
    lines = [(frame.f_code.co_filename, number) for frame, number in stack]
    # From the raising line outwards: a traceback runs the other way.
    for name, number in lines if error is None else reversed(lines):
        path = Path(name)
        is_library = "site-packages" in path.parts or name.startswith(_NOBODYS)
        if not is_library and path.suffix == ".py":
            return f"{path.name}:{number} `{linecache.getline(name, number).strip()}`"
    return "the pipeline"
