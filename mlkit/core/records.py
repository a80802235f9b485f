"""Hold one record against its schema: microseconds where it is right, every fault where not."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from typing import Any

import msgspec

from mlkit.core.column import COMPARISONS, LARGEST_EXACT, PYTHON_TYPES, Column
from mlkit.core.errors import DataError, Violation
from mlkit.core.log import get_logger

log = get_logger(__name__)

NOT_FINITE = "is not finite"
TOO_LARGE = "is too large to be held exactly"
TOO_FINE = "is finer than a microsecond"
MISSING = "is missing"
NOT_TEXT = "holds a surrogate or a noncharacter, which Unicode does not exchange"
#: More digits of a second than a datetime holds; what reads them would round.
_FINER = re.compile(r"[.,]\d{7}")
#: Half a character, or one that Unicode keeps for the inside of programs, as mlkit's do.
_UNEXCHANGED = re.compile("[\ud800-\udfff\ufdd0-\ufdef]")


class RecordParser:
    """Columns, compiled once into a msgspec type.

    Parameters
    ----------
    name
        The schema's name, for messages.
    columns
        The columns that a record holds.

    Attributes
    ----------
    struct
        The compiled type; its encoded field names are the columns' names.
    """

    def __init__(self, name: str, columns: Sequence[Column]) -> None:
        self.name = name
        # A struct's fields with defaults come last.
        self.columns = sorted(columns, key=lambda column: column.nullable)
        fields = {f"f{position}": column for position, column in enumerate(self.columns)}
        self.struct = msgspec.defstruct(
            name,
            [
                (field, column.record_type, None)
                if column.nullable
                else (field, column.record_type)
                for field, column in fields.items()
            ],
            rename={field: column.name for field, column in fields.items()},
        )
        self._order = [c.name for c in self.columns]
        self._names = {c.name for c in self.columns}
        self._optional = {c.name for c in self.columns if c.nullable}
        self._moments = [c.name for c in self.columns if c.kind == "datetime"]
        self._texts = [c.name for c in self.columns if c.kind == "string" and c.allowed is None]
        self._numeric = [c.name for c in self.columns if c.kind in ("number", "integer")]

    def parse(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the typed values by name; see `Schema.parse`."""
        try:
            values = self._convert(record)
        except (msgspec.ValidationError, ValueError):
            return self._mend(record)
        if not record.keys() >= self._optional and not record.keys() <= self._names:
            self._warn_of_misspellings(record)
        for name in self._numeric:
            value = values[name]
            # msgspec has held the bounds; what lies beyond these, NaN among it, needs a look.
            if value is not None and not -LARGEST_EXACT <= value <= LARGEST_EXACT:
                return self._mend(record)
        for name in self._texts:
            value = values[name]
            if value is not None and not value.isascii() and not is_text(value):
                return self._mend(record)
        for name in self._moments:
            value = record.get(name)
            if isinstance(value, str) and _FINER.search(value):
                return self._mend(record)
        return values

    def _warn_of_misspellings(self, record: Mapping[str, Any]) -> None:
        """Log an unknown field that is called almost like an optional one that is absent."""
        for name in sorted(self._optional - record.keys()):
            for field in get_close_matches(name, record.keys() - self._names, n=1, cutoff=0.7):
                log.warning("field_ignored", field=field, nearest=name)

    def _convert(self, record: Mapping[str, Any]) -> dict[str, Any]:
        parsed = msgspec.structs.astuple(msgspec.convert(record, self.struct))
        return dict(zip(self._order, parsed, strict=True))

    def _mend(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Make plain what numpy, pandas and calendars hand over, or gather every fault."""
        if not isinstance(record, Mapping):
            raise DataError(
                f"A record of {self.name} maps names to values; found {type(record).__name__}."
            )
        values = {column.name: plain(record.get(column.name), column) for column in self.columns}
        violations = [
            Violation(column=column.name, rule=rule, count=1, found=_shown(column, value))
            for column in self.columns
            if (rule := broken_rule(column, value := values[column.name])) is not None
        ]
        if violations:
            faults = "; ".join(map(str, violations))
            raise DataError(f"Not a record of {self.name}: {faults}.", violations)
        return self._convert(values)


def is_text(value: str) -> bool:
    """Whether every system can exchange the text."""
    return value.isascii() or _UNEXCHANGED.search(value) is None


def plain(value: Any, column: Column) -> Any:
    """Return `value` in plain Python, and None for each way to say that it is missing."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "to_pydatetime"):
        value = value if value.nanosecond else value.to_pydatetime()
    elif getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, Decimal) and column.kind == "number":
        value = None if value.is_nan() else float(value)
    if isinstance(value, float):
        if value != value:
            return None
        if column.kind == "integer" and value.is_integer():
            return int(value)
    if column.kind == "datetime":
        if isinstance(value, str):
            return _moment(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
    return value


def _moment(text: str) -> datetime | str:
    if _FINER.search(text):
        return text
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def broken_rule(column: Column, value: Any) -> str | None:
    """Name the first rule that a value, made `plain`, breaks."""
    if value is None:
        return None if column.nullable else MISSING
    accepted: Any = (int, float) if column.kind == "number" else PYTHON_TYPES[column.kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and column.kind != "boolean"):
        return column.type_rule
    if isinstance(value, datetime):
        if getattr(value, "nanosecond", 0):
            return TOO_FINE
        return column.type_rule if (value.tzinfo is None) == bool(column.tz) else None
    if isinstance(value, str) and not is_text(value):
        return NOT_TEXT
    if column.allowed is not None and value not in column.allowed:
        return column.allowed_rule
    return _number_rule(column, value) if column.kind in ("number", "integer") else None


def _number_rule(column: Column, value: float) -> str | None:
    if isinstance(value, int) and abs(value) > column.largest_integer:
        return TOO_LARGE
    try:
        if not isfinite(value):
            return NOT_FINITE
    except OverflowError:
        return TOO_LARGE
    for bound, limit in column.bounds.items():
        if not COMPARISONS[bound][0](value, limit):
            return column.bound_rule(bound)
    return None


def _shown(column: Column, value: Any) -> tuple[str, ...]:
    if column.pii or value is None:
        return ()
    return (value.isoformat() if isinstance(value, datetime) else repr(value)[:60],)
