"""What is fixed is told, and nothing else in a file changes."""

import json
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from mlkit.cli import main
from mlkit.standards.checking import check_file
from mlkit.standards.choosing import Choice
from mlkit.standards.fixing import fix_file
from mlkit.standards.spans import items, members

NANS = (
    "import pandas as pd\r\nimport numpy as np\r\nfrom math import nan\r\n"
    "é = frame[frame['ä'] == np.nan]  # as it was\r\n"
    "b = np.nan != f(x,  y)\r\n"
    "c = (x == nan) == nan\r\n"
    "d = (x ==\r\n     nan)\r\n"
    "e = 1 < x == nan\r\n"
    "g = nan == nan\r\n"
    "h = x == nan  # mlkit: ignore[MLK301] shown to students\r\n"
    "\x0c\r\ni = 'a\x0bb' + (nan == x['\u2028'])\r\n"
)
MENDED = (
    "import pandas as pd\r\nimport numpy as np\r\nfrom math import nan\r\n"
    "é = frame[pd.isna(frame['ä'])]  # as it was\r\n"
    "b = pd.notna(f(x,  y))\r\n"
    "c = pd.isna(pd.isna(x))\r\n"
    "d = (x ==\r\n     nan)\r\n"
    "e = 1 < x == nan\r\n"
    "g = nan == nan\r\n"
    "h = x == nan  # mlkit: ignore[MLK301] shown to students\r\n"
    "\x0c\r\ni = 'a\x0bb' + (pd.isna(x['\u2028']))\r\n"
)
NOTEBOOK = """{
   "nbformat": 4, "metadata": {"b": 1.50e1, "a": "\\u003c"},
   "cells": [
      {"cell_type": "markdown", "source": "é [1, 2] {}"},
      {"outputs": [{"data": {"text/plain": ["}", "]"]}, "execution_count": 2}],
       "cell_type": "code", "execution_count": 2 , "metadata": {}, "source": ["x"]},
      {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [ ], "source": "y"},
      {"cell_type": "code", "execution_count": null, "outputs": [], "source": []}
   ]
}"""
PRINTED = '[{"data": {"text/plain": ["}", "]"]}, "execution_count": 2}]'


@pytest.fixture
def notebook(tmp_path) -> Path:
    """Return a notebook as no program writes it."""
    path = tmp_path / "explore.ipynb"
    path.write_bytes(NOTEBOOK.encode())
    return path


def test_what_is_asked_of_nan_is_asked_of_pandas(tmp_path):
    """In one line, of one thing; all else keeps its bytes, the file its mode and its name."""
    path, link = tmp_path / "a.py", tmp_path / "b.py"
    path.write_bytes(NANS.encode())
    path.chmod(0o750)
    link.symlink_to(path)
    fixed = fix_file(link, Choice())
    assert path.read_bytes() == MENDED.encode()
    assert (path.stat().st_mode & 0o777, link.is_symlink()) == (0o750, True)
    assert [(each.line, each.code) for each in sorted(fixed)] == [
        (4, "MLK301"),
        (5, "MLK301"),
        (6, "MLK301"),
        (6, "MLK301"),
        (13, "MLK301"),
    ]
    assert fix_file(link, Choice()) == []


def test_a_mark_of_utf_8_is_kept(tmp_path, notebook):
    """In modules, also in their first line, and in notebooks."""
    path = tmp_path / "a.py"
    path.write_bytes(BOM_UTF8 + b"import pandas as pd; a = x == float('nan')\n")
    fix_file(path, Choice())
    assert path.read_bytes() == BOM_UTF8 + b"import pandas as pd; a = pd.isna(x)\n"
    notebook.write_bytes(BOM_UTF8 + NOTEBOOK.encode())
    assert len(fix_file(notebook, Choice())) == 2
    assert notebook.read_bytes().startswith(BOM_UTF8 + NOTEBOOK.encode()[:100])


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\na = x == np.nan\n",
        "import pandas as pd\npd = other\na = x == float('nan')\n",
        "import pandas as pd\na = x == float('nan'\n",
    ],
)
def test_what_is_not_certain_is_left(tmp_path, text):
    """Without pandas at hand, say; what breaks a rule is still told."""
    path = tmp_path / "a.py"
    path.write_text(text)
    before = path.stat()
    assert fix_file(path, Choice()) == []
    assert path.read_text() == text
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert check_file(path, Choice()) != []


def test_output_and_counts_are_taken_from_a_notebook(notebook):
    """All else keeps its bytes: order, indentation, numbers, escapes, the end."""
    fixed = fix_file(notebook, Choice())
    assert [(each.cell, each.code) for each in fixed] == [(3, "MLK802"), (2, "MLK801")]
    expected = NOTEBOOK.replace(PRINTED, "[]")
    expected = expected.replace('_count": 2', '_count": null').replace(
        '_count": 1', '_count": null'
    )
    assert notebook.read_bytes() == expected.encode()
    assert fix_file(notebook, Choice()) == []


def test_output_that_is_silenced_is_kept_with_its_count(notebook):
    """The others are cleared."""
    kept = NOTEBOOK.replace('["x"]', '["x # mlkit: ignore[MLK801] the docs show it"]')
    notebook.write_text(kept)
    fix_file(notebook, Choice(ignore=("MLK802",)))
    assert notebook.read_text() == kept
    fix_file(notebook, Choice())
    cells = json.loads(notebook.read_text())["cells"]
    assert [bool(cell.get("outputs")) for cell in cells] == [False, True, False, False]
    assert [cell.get("execution_count") for cell in cells] == [None] * 4


def test_the_command_tells_what_it_fixed(notebook, monkeypatch, capsys):
    """And what is left, by which it ends."""
    monkeypatch.chdir(notebook.parent)
    Path("a.py").write_text("import joblib\njoblib.load('m')\n")
    assert main(["check", "--fix"]) == 1
    assert capsys.readouterr().out == (
        "explore.ipynb:cell 2:1:1: MLK801 fixed\n"
        "explore.ipynb:cell 3:1:1: MLK802 fixed\n"
        "a.py:2:1: MLK401 joblib.load reads or writes a pickle\n"
        "mlkit check --explain MLK401 says why, and what to do instead.\n"
        "2 fixed, 1 error, 0 warnings in 2 files.\n"
    )
    assert main(["check", "--fix", "explore.ipynb", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["fixed"] == []


def test_values_of_json_are_found_where_they_stand():
    """Whatever is in their texts, and between them."""
    text = ' { "a" : [ 1,\n"]\\"" ,{}], "b":{"a": null} ,"a":true }'
    spans = members(text, 1)
    assert {key: text[slice(*span)] for key, span in spans.items()} == {
        "a": "true",
        "b": '{"a": null}',
    }
    values = '[ 1,\n"]\\"" ,{} ]'
    assert [values[slice(*span)] for span in items(values, 0)] == ["1", '"]\\""', "{}"]
    assert items("[ ]", 0) == []
    assert members("{}", 0) == {}
