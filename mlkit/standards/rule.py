"""What a rule is."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlkit.standards.findings import Severity
from mlkit.standards.source import Source

#: A place, and what is wrong there.
Hit = tuple[ast.AST, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One standard of the team.

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
        Examples: the one breaks the rule, the other does not.
    hits
        Yields what breaks it in a source.
    """

    code: str
    name: str
    severity: Severity
    reason: str
    fix: str
    bad: str
    good: str
    hits: Callable[[Source], Iterator[Hit]]
