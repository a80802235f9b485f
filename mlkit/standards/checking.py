"""Hold files against the rules."""

import ast
import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from mlkit.core.errors import DataError
from mlkit.standards.choosing import Choice
from mlkit.standards.findings import Finding, Severity
from mlkit.standards.listing import code_files, is_code, project_of
from mlkit.standards.project import Project
from mlkit.standards.rule import ProjectRule, Rule
from mlkit.standards.silencing import comments, silenced
from mlkit.standards.source import Source, read_source

#: What could not be read, and what is silenced without a reason: no rule, and never silenced.
UNREADABLE, UNREASONED = "MLK000", "MLK001"
#: For fewer files, another process is not worth its beginning.
_PER_PROCESS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found.

    Attributes
    ----------
    findings
        By path, cell and line.
    n_files
        How many were looked at.
    fixed
        What was found before, and is no longer there.
    """

    findings: Sequence[Finding]
    n_files: int
    fixed: Sequence[Finding] = field(default=())

    @property
    def n_errors(self) -> int:
        """How many findings block."""
        return sum(found.severity == "error" for found in self.findings)


def check(paths: Iterable[Path], choice: Choice) -> Checked:
    """Hold files, those below folders, and the project that they are of, against the rules.

    Parameters
    ----------
    paths
        Files, whatever is excluded, and folders.
    choice
        Which rules count, and what is left out of folders.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    asked = list(paths)
    files = code_files(asked, choice)
    code = [path for path in files if is_code(path)]
    findings = [found for each in _all(code, choice) for found in each]
    findings += check_project(project_of(asked, choice), choice)
    return Checked(findings=tuple(sorted(findings)), n_files=len(files))


def _all(files: Sequence[Path], choice: Choice) -> Iterator[list[Finding]]:
    """Yield what is found in each file; many are shared out among the cores."""
    n_processes = min(os.cpu_count() or 1, len(files) // _PER_PROCESS)
    # Only here is a process begun by a copy of this one, in no time, and only alone is it safe.
    if n_processes < 2 or sys.platform != "linux" or threading.active_count() > 1:
        yield from (check_file(path, choice) for path in files)
        return
    # Trees have no cycles: looking for some takes a tenth of the time.
    fork = multiprocessing.get_context("fork")
    with fork.Pool(n_processes, initializer=gc.disable) as pool:
        yield from pool.imap(partial(check_file, choice=choice), files, chunksize=8)


def check_file(path: Path, choice: Choice) -> list[Finding]:
    """Hold one module or notebook against the rules for code."""
    try:
        source = read_source(path)
    except DataError as error:
        return [
            Finding(
                path=str(path),
                line=1,
                column=1,
                code=UNREADABLE,
                severity="error",
                message=str(error),
            )
        ]
    unreasoned = [
        _finding(
            source,
            (number, comment.start()),
            UNREASONED,
            "error",
            f"{comment.group().strip()} gives no reason: write one behind it",
        )
        for number, comment in source.comments
        if not comment["reason"].strip()
    ]
    return unreasoned + [finding for _, _, finding in broken(source, choice)]


def broken(source: Source, choice: Choice) -> Iterator[tuple[Rule, ast.AST, Finding]]:
    """Yield what breaks the rules for code, and is not silenced."""
    quiet = {number: silenced(comment) for number, comment in source.comments}
    elsewhere = choice.ignored(source.path)
    for rule, severity in choice.rules():
        if not isinstance(rule, Rule) or rule.code.startswith(elsewhere):
            continue
        for node, message in rule.hits(source):
            line = getattr(node, "lineno", 1)
            last = getattr(node, "end_lineno", None) or line
            if any(rule.code in quiet.get(number, ()) for number in range(line, last + 1)):
                continue
            place = (line, getattr(node, "col_offset", 0))
            yield rule, node, _finding(source, place, rule.code, severity, message)


def check_project(project: Project, choice: Choice) -> list[Finding]:
    """Hold what is asked for of a project against the rules for its layout."""
    return [
        Finding(
            path=str(path), line=line, column=1, code=rule.code, severity=severity, message=message
        )
        for rule, severity in choice.rules()
        if isinstance(rule, ProjectRule)
        for path, line, message in rule.hits(project)
        if not rule.code.startswith(choice.ignored(path)) and not _is_quiet(path, line, rule.code)
    ]


def _is_quiet(path: Path, line: int, code: str) -> bool:
    """Whether a comment in a line of a file silences a rule there."""
    try:
        # What lies in a repository may be data, larger than memory.
        with path.open("rb") as file:
            text = next(islice(file, line - 1, line), b"").decode("utf-8", "replace")
    except OSError:
        return False
    return any(code in silenced(comment) for _, comment in comments([text]))


def _finding(
    source: Source, place: tuple[int, int], code: str, severity: Severity, message: str
) -> Finding:
    """Return a finding at a line of the code, from 1, and a column, from 0."""
    cell, line = source.place(place[0])
    return Finding(
        path=str(source.path),
        cell=cell,
        line=line,
        column=place[1] + 1,
        code=code,
        severity=severity,
        message=message,
    )
