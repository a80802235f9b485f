"""Choose the rules that count in a project, as its pyproject.toml says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.project import tool_table
from mlkit.standards.findings import Severity
from mlkit.standards.rule import Rule
from mlkit.standards.rules import RULES

_TABLE = "tool.mlkit.check"
_KEYS = ("select", "ignore", "warn", "exclude")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of the standards counts.

    Attributes
    ----------
    select, ignore
        The first letters and digits of codes: which rules count, and which of these do not.
    warn
        Of which the findings are warnings, whatever the rule says.
    exclude
        Folders and files, from the project's, that are not looked at.
    """

    select: Sequence[str] = ("MLK",)
    ignore: Sequence[str] = ()
    warn: Sequence[str] = ()
    exclude: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        for key in ("select", "ignore", "warn"):
            for code in getattr(self, key):
                if not any(known.startswith(code) for known in RULES):
                    raise ConfigError(f"{_TABLE}.{key} names {code}. {nearest(code, RULES)}")

    def rules(self) -> list[tuple[Rule, Severity]]:
        """Return the rules that count, and how grave what breaks them is."""
        return [
            (rule, "warning" if code.startswith(tuple(self.warn)) else rule.severity)
            for code, rule in RULES.items()
            if code.startswith(tuple(self.select)) and not code.startswith(tuple(self.ignore))
        ]


def read_choice(folder: Path) -> Choice:
    """Return what the project of a folder says; all rules count where it says nothing.

    Raises
    ------
    ConfigError
        If it cannot be read, or says what makes no sense.
    """
    table = tool_table(folder)
    found = table[1].get("check", {}) if table else {}
    if not isinstance(found, dict):
        raise ConfigError(f"{_TABLE} must be a table, got {found!r}.")
    for key, value in found.items():
        if key not in _KEYS:
            raise ConfigError(f"There is no setting {_TABLE}.{key}. {nearest(key, _KEYS)}")
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ConfigError(f"{_TABLE}.{key} is a list of texts, got {value!r}.")
    return Choice(**{key: tuple(value) for key, value in found.items()})
