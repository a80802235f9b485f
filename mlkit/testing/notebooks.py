"""Run a notebook as a test does."""

import linecache
from contextlib import chdir
from pathlib import Path
from typing import Any

from mlkit.standards.source import read_source


def run_notebook(path: str | Path) -> dict[str, Any]:
    """Run a notebook's code from top to bottom, as plain Python, and return its names.

    It runs in the notebook's folder, as in Jupyter. Lines of IPython (`%`, `!`) are left out,
    and `display` shows nothing: no kernel is needed.

    Parameters
    ----------
    path
        An `.ipynb` of Python.

    Raises
    ------
    DataError
        If it cannot be read, or is no Python.
    Exception
        Whatever a cell raises; the traceback names the cell and its line.
    """
    path = Path(path)
    source = read_source(path)
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *_, **__: None}
    with chdir(path.parent):
        for cell in source.cells:
            name, lines = f"{path}, cell {cell.number}", [f"{line}\n" for line in cell.lines]
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
            exec(compile("".join(lines), name, "exec"), names)  # noqa: S102  it is the project's
    return names
