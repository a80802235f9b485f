"""Name everything that can go wrong, and the exit code it gets.

Every error that mlkit raises on purpose descends from `MlkitError`; its
message says what was wrong, what was found and what to do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class MlkitError(Exception):
    """Anything that mlkit refuses; `exit_code` is what its commands return."""

    exit_code = 1


class ConfigError(MlkitError):
    """A setting, an option or a schema's declaration makes no sense."""

    exit_code = 2


class DataError(MlkitError):
    """A frame, a file or a record is not what its schema says."""

    exit_code = 3

    def __init__(self, message: str, violations: "Sequence[Violation]" = ()) -> None:
        super().__init__(message)
        self.violations = tuple(violations)


class FeaturizerError(MlkitError):
    """A Featurizer broke its contract: one row of features for one row."""

    exit_code = 4


class CheckError(MlkitError):
    """A check of `mlkit.testing` does not hold."""


class BundleError(MlkitError):
    """A bundle is damaged, untrusted, or no longer predicts what it did."""

    exit_code = 5


class RegistryError(MlkitError):
    """The tracking server or the registry refuses, or does not hold what was asked for."""

    exit_code = 7


class UnreachableError(RegistryError):
    """The tracking server or the registry does not answer, or not in time."""


class MissingExtraError(MlkitError, ImportError):
    """What was asked for needs an extra that is not installed."""

    exit_code = 6


def relayed(exit_code: int, message: str) -> MlkitError:
    """Return the error that another process of mlkit ended with."""
    error = MlkitError(message)
    error.exit_code = exit_code
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule of a schema that one column breaks.

    `rows` holds the positions (from 0) of the first rows at fault, `found`
    their values; `found` is empty where the column is personal data.
    """

    column: str
    rule: str
    count: int
    rows: tuple[int, ...] = ()
    found: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.column}: {self.rule}"
        if self.rows:
            noun = "row" if self.count == 1 else "rows"
            text += f" in {self.count:,} {noun}, first at {listed(self.rows)}"
        if self.found:
            text += f" (found {listed(self.found)})"
        return text


def listed(values: Iterable[object], most: int = 5) -> str:
    """Write at most `most` values in a row, and say how many were left out.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'
    >>> listed(range(9), most=3)
    '0, 1, 2 and 6 more'
    """
    texts = [str(value) for value in values]
    if not texts:
        return "nothing"
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def first_line(error: BaseException) -> str:
    r"""Return the first line of what an error says, at most 300 characters of it.

    An error that says nothing is written as Python writes it.

    Examples
    --------
    >>> first_line(ValueError("no such column\nat node 7"))
    'no such column'
    >>> first_line(ValueError())
    'ValueError()'
    """
    return (str(error).strip() or repr(error)).splitlines()[0].rstrip()[:300]


def nearest(name: str, valid: Iterable[str]) -> str:
    """Ask whether the valid name most like `name` was meant, else list them all.

    Examples
    --------
    >>> nearest("sead", ["seed", "name"])
    'Did you mean seed?'
    >>> nearest("zzz", ["seed", "name"])
    'Valid: name, seed.'
    """
    names = sorted(valid)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Valid: {listed(names, most=12)}."
