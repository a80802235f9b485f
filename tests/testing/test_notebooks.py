"""A notebook runs as in Jupyter, or its fault is named."""

import json
import traceback
from pathlib import Path

import pytest

from mlkit.core.errors import DataError
from mlkit.testing import run_notebook


def notebook(folder, *cells):
    """Write a notebook of code cells, and return its path."""
    told = [
        {"cell_type": "code", "source": cell, "outputs": [], "execution_count": None}
        for cell in cells
    ]
    path = folder / "notebooks" / "explore.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps({"cells": told, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    return path


def test_a_notebook_runs_in_its_folder_from_top_to_bottom(tmp_path, monkeypatch):
    """One namespace for all cells; IPython's lines are left out; the folder is as before."""
    monkeypatch.chdir(tmp_path)
    path = notebook(
        tmp_path,
        "%matplotlib inline\nfrom pathlib import Path\nhere = Path.cwd().name",
        "import os\nos.chdir('..')\ndisplay(here)\nthere = Path.cwd()",
        "%%bash\nexit 1",
    )
    names = run_notebook(path.relative_to(tmp_path))
    assert (names["here"], names["there"], Path.cwd()) == ("notebooks", tmp_path, tmp_path)


def test_a_cell_that_fails_is_named_with_its_line(tmp_path, monkeypatch):
    """In the traceback, with what stands there."""
    path = notebook(tmp_path, "a = 1", "b = 2\nc = absent + 1")
    with pytest.raises(NameError) as failed:
        run_notebook(path)
    last = traceback.extract_tb(failed.tb)[-1]
    assert (last.filename, last.lineno) == (f"{path}, cell 2", 2)
    assert last.line == "c = absent + 1"
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        run_notebook(path)
