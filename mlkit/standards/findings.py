"""What a rule says of a place: the contract between those who look and those who tell."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One place that breaks a rule.

    Attributes
    ----------
    path
        The file, as it was given or found.
    cell
        Of a notebook, from 1; 0 in other files.
    line, column
        From 1, within the cell.
    code
        The rule's.
    severity
        Of the rule, or what the project's settings make of it.
    message
        What is wrong there, in a sentence.
    """

    path: str
    cell: int = 0
    line: int
    column: int
    code: str
    severity: Severity
    message: str

    def place(self) -> str:
        """Return where it is, as editors jump to it."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"
