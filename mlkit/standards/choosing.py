"""Choose the rules that count in a project, as its pyproject.toml says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.project import tool_table
from mlkit.standards.findings import Severity
from mlkit.standards.project import named
from mlkit.standards.rule import Standard
from mlkit.standards.rules import RULES

_TABLE = "tool.mlkit.check"
_LISTS = ("select", "ignore", "warn", "exclude")
_PER_FILE = "per-file-ignores"


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
    per_file_ignores
        By a pattern of a file's name, or of its path from the project's folder, the first
        letters and digits of codes that do not count there. A star matches slashes as well.
    folder
        The project's.
    """

    select: Sequence[str] = ("MLK",)
    ignore: Sequence[str] = ()
    warn: Sequence[str] = ()
    exclude: Sequence[str] = field(default=())
    per_file_ignores: Mapping[str, Sequence[str]] = field(default_factory=dict)
    folder: Path = Path()

    def __post_init__(self) -> None:
        told = [(key, getattr(self, key)) for key in ("select", "ignore", "warn")]
        told += [(f"{_PER_FILE}.{key!r}", codes) for key, codes in self.per_file_ignores.items()]
        for key, codes in told:
            for code in codes:
                if not any(known.startswith(code) for known in RULES):
                    raise ConfigError(f"{_TABLE}.{key} names {code}. {nearest(code, RULES)}")

    def rules(self) -> list[tuple[Standard, Severity]]:
        """Return the rules that count, and how grave what breaks them is."""
        return [
            (rule, "warning" if code.startswith(tuple(self.warn)) else rule.severity)
            for code, rule in RULES.items()
            if code.startswith(tuple(self.select)) and not code.startswith(tuple(self.ignore))
        ]

    def ignored(self, path: Path) -> tuple[str, ...]:
        """Return the beginnings of codes that do not count in a file."""
        if not self.per_file_ignores:
            return ()
        name = PurePosixPath(*named(self.folder, [path]))
        return tuple(
            code
            for pattern, codes in self.per_file_ignores.items()
            if fnmatchcase(str(name), pattern) or fnmatchcase(name.name, pattern)
            for code in codes
        )


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
    given: dict[str, Any] = {"folder": table[0].parent if table else folder}
    for key, value in found.items():
        if key not in (*_LISTS, _PER_FILE):
            known = nearest(key, (*_LISTS, _PER_FILE))
            raise ConfigError(f"There is no setting {_TABLE}.{key}. {known}")
        if key == _PER_FILE:
            given["per_file_ignores"] = _per_file(value)
        else:
            given[key] = _texts(key, value)
    return Choice(**given)


def _per_file(table: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise ConfigError(f"{_TABLE}.{_PER_FILE} must be a table, got {table!r}.")
    return {key: _texts(f"{_PER_FILE}.{key!r}", value) for key, value in table.items()}


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigError(f"{_TABLE}.{key} is a list of texts, got {value!r}.")
    return tuple(value)
