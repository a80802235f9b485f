"""Files are found, held against the rules that count, and told in every format."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlkit.cli import main
from mlkit.core.errors import ConfigError
from mlkit.core.trust import trusted_packages
from mlkit.standards.checking import check, check_file
from mlkit.standards.choosing import Choice, read_choice
from mlkit.standards.rules import RULES

BAD = "import joblib\njoblib.dump(model, 'm')\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Return a project's folder, which is the present one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notebook(*cells: dict) -> str:
    """Return a notebook's text."""
    full = [{"cell_type": "code", "outputs": [], "execution_count": None} | cell for cell in cells]
    return json.dumps({"cells": full, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def test_what_is_silenced_with_a_reason_is_silent(tmp_path):
    """By its code, in its line; without a reason, that is said."""
    path = tmp_path / "store.py"
    path.write_text(BAD.replace("'m')", "'m')  # mlkit: ignore[MLK401] peers do"))
    assert check_file(path, Choice()) == []
    path.write_text(BAD.replace("'m')", "'m')  # mlkit: ignore[MLK201] peers do"))
    assert [found.code for found in check_file(path, Choice())] == ["MLK401"]
    path.write_text("x = '\f'\n" + BAD.replace("'m')", "'m')  # mlkit: ignore[MLK401] peers do"))
    assert check_file(path, Choice()) == []
    path.write_text(BAD.replace("'m')", "'m')  # mlkit: ignore[MLK401]"))
    assert {found.code for found in check_file(path, Choice())} == {"MLK001", "MLK401"}


def test_a_notebook_is_told_by_cell_and_line(tmp_path):
    """Lines of IPython are no fault, and text is no code."""
    path = tmp_path / "explore.ipynb"
    path.write_text(
        notebook(
            {"source": "%matplotlib inline\nimport joblib\n!ls\n"},
            {"cell_type": "markdown", "source": "joblib.dump(x, y)"},
            {"source": ["if wanted:\n", "    !ls\n", "    joblib.dump(model, 'm')"]},
            {"source": "%%bash\nls |"},
            {"source": "frame.head?\n?frame\n"},
            {"source": "share = (a\n% b)\n"},
        )
    )
    (found,) = check_file(path, Choice())
    assert (found.cell, found.line, found.column, found.code) == (3, 3, 5, "MLK401")
    assert found.place() == f"{path}:cell 3:3:5"


def test_a_notebook_is_what_is_run(tmp_path):
    """Nobody calls it who may have seeded torch; a seed in any cell is one."""
    path = tmp_path / "explore.ipynb"
    cells = [
        {"source": "from torch.utils.data import DataLoader"},
        {"source": "batches = DataLoader(rows, shuffle=True)"},
    ]
    path.write_text(notebook(*cells))
    assert [found.code for found in check_file(path, Choice())] == ["MLK204"]
    path.write_text(notebook(*cells, {"source": "import torch\ntorch.manual_seed(3)"}))
    assert check_file(path, Choice()) == []


def test_cells_are_run_from_top_to_bottom(tmp_path):
    """Each once; those that were not run, and numbers left out, are no fault."""
    path = tmp_path / "explore.ipynb"
    for counts, cells in (((2, None, 5), []), ((1, 1, 3), [2]), ((3, 1, 2), [2, 3])):
        path.write_text(notebook(*({"source": "", "execution_count": each} for each in counts)))
        found = check_file(path, Choice())
        assert [(each.cell, each.code) for each in found] == [(cell, "MLK802") for cell in cells]


def test_a_notebook_of_another_language_is_held_against_what_is_not_of_python(tmp_path):
    """And one of text alone against nothing."""
    path = tmp_path / "explore.ipynb"
    printed = [{"output_type": "stream", "name": "stdout", "text": ["1"]}]
    told = json.loads(notebook({"source": "x <- 1 %>% f()", "outputs": printed}))
    told["metadata"]["kernelspec"] = {"name": "ir", "language": "R"}
    path.write_text(json.dumps(told))
    assert [found.code for found in check_file(path, Choice())] == ["MLK801"]
    path.write_text(notebook({"cell_type": "markdown", "source": "url: https://u:pass@host"}))
    assert check_file(path, Choice()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "def f(:\n"),
        ("b.py", "x = '\0'"),
        ("c.ipynb", "{"),
        ("d.ipynb", "[]"),
        ("e.ipynb", '{"cells": [{"cell_type": "code"}]}'),
        ("g.ipynb", '{"cells": [{"cell_type": "code", "source": "", "execution_count": "1"}]}'),
        ("h.ipynb", "[" * 100_000),
        ("f.py", "x = " + "(" * 500 + ")" * 500),
    ],
)
def test_what_cannot_be_read_is_a_finding(tmp_path, name, text):
    """And no traceback; the other files are still looked at."""
    (tmp_path / name).write_text(text)
    (tmp_path / "store.py").write_text(BAD)
    found = check([tmp_path], Choice())
    assert sorted(each.code for each in found.findings) == ["MLK000", "MLK401"]
    assert found.n_files == 2


@pytest.mark.parametrize("text", [BAD, notebook({"source": BAD})])
def test_a_mark_of_utf_8_is_no_part_of_a_file(tmp_path, text):
    """As some editors write it."""
    path = tmp_path / ("a.py" if text == BAD else "a.ipynb")
    path.write_text(text, encoding="utf-8-sig")
    assert [(found.line, found.code) for found in check_file(path, Choice())] == [(2, "MLK401")]


def test_foreign_and_excluded_folders_are_left_out(here):
    """A file that is named itself is looked at, whatever is excluded."""
    for folder in ("src", ".venv", "build", "vendored"):
        (here / folder).mkdir()
        (here / folder / "store.py").write_text(BAD)
    choice = Choice(exclude=("vendored",))
    found = check([Path()], choice)
    assert [each.path for each in found.findings] == ["src/store.py"]
    assert check([Path("vendored/store.py"), Path("src")], choice).n_files == 2
    with pytest.raises(ConfigError, match="no file or folder nowhere"):
        check([Path("nowhere")], choice)


def test_many_files_are_told_in_their_order(here):
    """Also where processes share them."""
    names = [f"module_{number:03}.py" for number in range(250)]
    for name in names:
        (here / name).write_text(BAD)
    command = [sys.executable, "-m", "mlkit", "check", "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=here)
    assert (done.returncode, done.stderr) == (1, "")
    assert [found["path"] for found in json.loads(done.stdout)["findings"]] == names


def test_a_project_chooses_its_rules(here):
    """By the beginnings of codes; a warning does not block."""
    (here / "store.py").write_text(BAD + "import random\nrandom.random()\n")
    table = "[tool.mlkit.check]\n"
    for settings, expected in (
        ("", {"MLK401": "error", "MLK201": "error"}),
        ('select = ["MLK4"]', {"MLK401": "error"}),
        ('ignore = ["MLK4"]', {"MLK201": "error"}),
        ('warn = ["MLK401"]', {"MLK401": "warning", "MLK201": "error"}),
    ):
        (here / "pyproject.toml").write_text(table + settings)
        found = check([Path("store.py")], read_choice(here)).findings
        assert {each.code: each.severity for each in found} == expected
    (here / "pyproject.toml").write_text(table + 'select = ["MLK4"]\nwarn = ["MLK4"]')
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("src/*", ["store.py"]),
        ("store.py", []),
        ("*/deep/*.py", ["src/store.py", "store.py"]),
        ("rc/*", ["src/deep/store.py", "src/store.py", "store.py"]),
    ],
)
def test_a_rule_is_left_out_for_some_files(here, monkeypatch, pattern, left):
    """By a pattern of the path from the project's folder, or of the name; from any folder."""
    for name in ("store.py", "src/store.py", "src/deep/store.py"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(BAD + "import random\nrandom.random()\n")
    (here / "pyproject.toml").write_text(
        f'[tool.mlkit.check.per-file-ignores]\n"{pattern}" = ["MLK4"]\n'
    )
    for folder in (here, here / "src"):
        monkeypatch.chdir(folder)
        found = check([here], read_choice(Path())).findings
        assert [each.path for each in found if each.code == "MLK401"] == [
            str(here / name) for name in left
        ]
        assert sum(each.code == "MLK201" for each in found) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("select = 'MLK1'", "tool.mlkit.check.select is a list of texts"),
        ("chose = ['MLK1']", "There is no setting tool.mlkit.check.chose"),
        ("ignore = ['MLK999']", "tool.mlkit.check.ignore names MLK999. "),
        ("per-file-ignores = ['a']", "tool.mlkit.check.per-file-ignores must be a table"),
        ("per-file-ignores = {a = 'MLK4'}", "per-file-ignores.'a' is a list of texts"),
        ("per-file-ignores = {a = ['X']}", "per-file-ignores.'a' names X. "),
        ("ignore = [", "is not readable TOML"),
        ("[tool.mlkit.chek]", "there is no setting tool.mlkit.chek. Did you mean check"),
    ],
)
def test_settings_that_make_no_sense_are_named(here, settings, message, capsys):
    """In a line."""
    (here / "pyproject.toml").write_text(f"[tool.mlkit.check]\n{settings}\n")
    assert main(["check"]) == 2
    assert message in capsys.readouterr().err


def test_what_is_chosen_stands_beside_what_is_trusted(here):
    """The other commands read the same table."""
    (here / "pyproject.toml").write_text(
        '[tool.mlkit]\ntrusted = ["flights"]\n[tool.mlkit.check]\nignore = ["MLK6"]\n'
    )
    assert trusted_packages() == ("flights",)
    assert read_choice(here).ignore == ("MLK6",)


def test_every_format_tells_all(here, capsys):
    """For people, programs, pull requests and code scanners; the exit code says that it blocks."""
    (here / "a,b.py").write_text(BAD)
    assert main(["check"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("a,b.py:2:1: MLK401 joblib.dump reads or writes a pickle\n")
    assert text.endswith("1 error, 0 warnings in 1 file.\n")
    assert main(["check", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["n_files"], told["n_errors"], told["findings"][0]["line"]) == (1, 1, 2)
    assert main(["check", "--format", "github"]) == 1
    expected = "::error file=a%2Cb.py,line=2,col=1,title=MLK401::joblib.dump reads or writes"
    assert capsys.readouterr().out.startswith(expected)
    assert main(["check", "--format", "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][0]["id"] == "MLK401"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a,b.py"
    assert place["region"] == {"startLine": 2, "startColumn": 1}


def test_a_place_is_told_to_those_who_know_no_cells(here, capsys):
    """The cell is in the message, and a name with spaces is a URI."""
    (here / "a b.ipynb").write_text(notebook({"source": "1"}, {"source": "2", "outputs": [{}]}))
    message = "cell 2: what the cell printed is kept in the file"
    assert main(["check", "--format", "github"]) == 1
    told = f"::error file=a b.ipynb,line=1,col=1,title=MLK801::{message}\n"
    assert capsys.readouterr().out == told
    assert main(["check", "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["message"] == {"text": message}
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "a%20b.ipynb"}


def test_options_choose_rules_and_explain_them(here, capsys):
    """For one run."""
    (here / "store.py").write_text(BAD)
    assert main(["check", "--ignore", "MLK4,MLK5"]) == 0
    assert main(["check", "--select", "MLK2"]) == 0
    assert main(["check", "--select", "XYZ"]) == 2
    capsys.readouterr()
    assert main(["check", "--explain", "MLK401"]) == 0
    assert RULES["MLK401"].reason in capsys.readouterr().out
    assert main(["check", "--explain", "MLK4"]) == 2


def test_the_page_of_rules_is_what_the_command_prints(capsys):
    """So it is never older than the rules."""
    assert main(["check", "--rules"]) == 0
    path = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
    assert capsys.readouterr().out == path.read_text(encoding="utf-8")


def test_this_repository_keeps_its_own_standards():
    """What is left is silenced, with a reason."""
    root = Path(__file__).parents[2]
    found = check([root], read_choice(root))
    assert [each.place() for each in found.findings] == []
