"""What a rule is."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlkit.standards.findings import Severity
from mlkit.standards.project import Project
from mlkit.standards.source import Source

#: A place in code, and what is wrong there.
Hit = tuple[ast.AST, str]
#: A file of a project, one of its lines from 1, and what is wrong there.
FileHit = tuple[Path, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What all rules have, whatever they look at.

    Attributes
    ----------
    code
        `MLK` and three digits, of which the first is the subject's.
    name
        In words, as its page has it.
    severity
        `error` blocks; `warning` does not.
    reason
        Why it is a standard.
    fix
        What to do instead.
    bad, good
        Examples: the one breaks the rule, the other does not. Either is a module, or files,
        each below a line `==> PATH <==`, or `==> PATH, 2 MB <==` for one of that size.
    """

    code: str
    name: str
    severity: Severity
    reason: str
    fix: str
    bad: str
    good: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Standard):
    """One standard of the team for code: a module's, or a notebook's.

    Attributes
    ----------
    hits
        Yields what breaks it in a source.
    mended
        Returns what stands in a hit's place when it is fixed; None where that is not certain.
    """

    hits: Callable[[Source], Iterator[Hit]]
    mended: Callable[[Source, ast.AST], str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRule(Standard):
    """One standard of the team for a project: its files, and where they lie.

    Attributes
    ----------
    hits
        Yields what breaks it in a project, among the files that are asked for.
    """

    hits: Callable[[Project], Iterator[FileHit]]
