"""Hold files against the rules."""

import gc
import multiprocessing
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlkit.core.errors import ConfigError, DataError
from mlkit.standards.choosing import Choice
from mlkit.standards.findings import Finding, Severity
from mlkit.standards.source import SUFFIXES, Source, read_source

#: What could not be read, and what is silenced without a reason: no rule, and never silenced.
UNREADABLE, UNREASONED = "MLK000", "MLK001"
_IGNORE = re.compile(r"#\s*mlkit:\s*ignore\[(?P<codes>[^\]]*)\][\s:,-]*(?P<reason>.*)")
#: For fewer files, another process is not worth its beginning.
_PER_PROCESS = 50
#: Folders that hold what others wrote, or tools made.
_FOREIGN = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found.

    Attributes
    ----------
    findings
        By path, cell and line.
    n_files
        How many were looked at.
    """

    findings: Sequence[Finding]
    n_files: int

    @property
    def n_errors(self) -> int:
        """How many findings block."""
        return sum(found.severity == "error" for found in self.findings)


def check(paths: Iterable[Path], choice: Choice) -> Checked:
    """Hold files, and those below folders, against the rules that count.

    Parameters
    ----------
    paths
        Files, whatever is excluded, and folders.
    choice
        Which rules, and what is left out of folders.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    files = list(dict.fromkeys(_files(paths, choice)))
    findings = [found for each in _all(files, choice) for found in each]
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
    """Hold one module or notebook against the rules that count."""
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
    ignored: dict[int, list[str]] = {}
    findings = []
    for number, comment in _comments(source):
        if comment["reason"].strip():
            ignored[number] = [code.strip() for code in comment["codes"].split(",")]
        else:
            message = f"{comment.group().strip()} gives no reason: write one behind it"
            place = (number, comment.start())
            findings.append(_finding(source, place, UNREASONED, "error", message))
    for rule, severity in choice.rules():
        for node, message in rule.hits(source):
            line = getattr(node, "lineno", 1)
            last = getattr(node, "end_lineno", None) or line
            if any(rule.code in ignored.get(number, ()) for number in range(line, last + 1)):
                continue
            place = (line, getattr(node, "col_offset", 0))
            findings.append(_finding(source, place, rule.code, severity, message))
    return findings


def _comments(source: Source) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the comments that silence rules, with their lines."""
    for number, line in enumerate(source.lines, start=1):
        if "mlkit" in line and (found := _IGNORE.search(line)):
            yield number, found


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


def _files(paths: Iterable[Path], choice: Choice) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from _below(path, choice)
        elif path.is_file():
            yield path
        else:
            raise ConfigError(f"There is no file or folder {path}. Check the path.")


def _below(folder: Path, choice: Choice) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _FOREIGN
            and not _is_excluded(here / name, choice)
        )
        for name in sorted(files):
            path = here / name
            if path.suffix in SUFFIXES and not _is_excluded(path, choice):
                yield path


def _is_excluded(path: Path, choice: Choice) -> bool:
    return any(path.match(pattern) for pattern in choice.exclude)
