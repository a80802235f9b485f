"""Find the tests that say what they automate of the ML Test Score, and run them."""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from mlkit.core.errors import DataError, listed
from mlkit.core.log import get_logger, stage

log = get_logger(__name__)

#: The name of the marker: `@pytest.mark.ml_test("data-1")`.
MARKER = "ml_test"
#: Where the run leaves what became of each test.
OUTCOMES = "MLKIT_DOCTOR_OUTCOMES"
#: How pytest ends when tests ran, whatever became of them, and where there are none.
_RAN = (0, 1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedTest:
    """A test that says what it automates.

    Attributes
    ----------
    id
        As pytest is given it, without parameters.
    names
        What it automates, such as `data-1`.
    """

    id: str
    names: tuple[str, ...]


def marked_tests(folder: Path) -> list[MarkedTest]:
    """Return the marked tests in a project's folder `tests`; what is no Python has none."""
    found = []
    for file in sorted((folder / "tests").rglob("test_*.py")):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        name = file.relative_to(folder).as_posix()
        found += [MarkedTest(id=f"{name}::{where}", names=names) for where, names in _in(tree)]
    return found


def run_tests(folder: Path) -> Mapping[str, str]:
    """Run the marked tests of a project, and return what became of each.

    Returns
    -------
    Mapping
        `passed`, `failed` or `skipped` by the test's id, the worst of its parameters.

    Raises
    ------
    DataError
        If pytest does not run them.
    """
    with tempfile.TemporaryDirectory() as place:
        outcomes = Path(place) / "outcomes.jsonl"
        outcomes.touch()
        # By itself pytest names tests from the folder of its settings, which may be one above.
        options = ("-q", "-m", MARKER, "--rootdir=.")
        plugins = ("-p", "mlkit.doctor.recording", "-p", "no:cacheprovider")
        with stage(log, "testing", path=str(folder)):
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *plugins],
                cwd=folder,
                env={**os.environ, OUTCOMES: str(outcomes)},
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode not in _RAN:
            said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            raise DataError(
                f"pytest does not run the tests of {folder} (exit code {done.returncode}): "
                f"{listed(said[-3:])}. Run it there by hand."
            )
        lines = outcomes.read_text(encoding="utf-8").splitlines()
    found: dict[str, str] = {}
    for name, outcome in map(json.loads, lines):
        test = name.partition("[")[0]
        if outcome != "passed" or test not in found:
            found[test] = outcome
    return found


def _in(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in tree.body:
        if _is_test(node) and (names := _names(node)):
            yield node.name, names
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if _is_test(inner):
                    names = (*_names(node), *_names(inner))
                    if names:
                        yield f"{node.name}::{inner.name}", names


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Whether pytest takes a function for a test, by its name."""
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test")


def _names(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, ...]:
    return tuple(
        str(argument.value)
        for each in node.decorator_list
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == MARKER
        for argument in each.args
        if isinstance(argument, ast.Constant)
    )
