"""Hold one record against its schema: microseconds where it is right, every fault where not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from math import isfinite
from reprlib import Repr
from typing import Any, NamedTuple

import msgspec

from mlkit.core.column import COMPARISONS, PYTHON_TYPES, Column
from mlkit.core.errors import DataError, Violation
from mlkit.core.log import get_logger

log = get_logger(__name__)

NOT_FINITE = "is not finite"
TOO_LARGE = "is too large to be held exactly"
TOO_FINE = "is finer than a microsecond"
OUT_OF_RANGE = "is outside the years 1 to 9999 in UTC"
MISSING = "is missing"
NOT_TEXT = "holds a surrogate or a noncharacter, which Unicode does not exchange"
#: More digits of a second than a datetime holds; what reads them would round.
_FINER = re.compile(r"[.,]\d{6}0*[1-9]")
_FIRST, _LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
#: Unknown fields that are looked at for misspellings: whoever sends more made no slip.
_MOST_STRANGERS = 100
#: Writes no more of a value than is shown, however long or nested it is.
_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 60
_BRIEF.maxlevel = 3
#: The types of pandas' NA and NaT, and of numpy's masked values.
_MISSING_TYPES = {"NAType", "NaTType", "MaskedConstant"}
#: No datetime that msgspec reads is finer and as short as one of whole seconds in a zone.
_SHORT = len("2013-10-01T12:00:00+00:00")
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
    places
        Where in a record's values each column is, by its name.
    """

    def __init__(self, name: str, columns: Sequence[Column]) -> None:
        self.name = name
        # A struct's fields with defaults come last.
        self.columns = sorted(columns, key=lambda column: column.nullable)
        self.places = {column.name: place for place, column in enumerate(self.columns)}
        self.struct = self._struct([column.record_type for column in self.columns])
        # Refuses more, so that a second look is seldom needed.
        self._usual = self._struct([column.usual_type for column in self.columns])
        self._optional = {c.name for c in self.columns if c.nullable}
        self._moments = [c.name for c in self.columns if c.kind == "datetime"]
        self._in_zones = [self.places[c.name] for c in self.columns if c.tz]
        self._texts = [
            self.places[c.name] for c in self.columns if c.kind == "string" and c.allowed is None
        ]

    def _struct(self, types: Sequence[Any]) -> type[msgspec.Struct]:
        fields: list[Any] = [
            (f"f{place}", kind, *([None] if column.nullable else []))
            for place, (column, kind) in enumerate(zip(self.columns, types, strict=True))
        ]
        names = {f"f{place}": name for name, place in self.places.items()}
        return msgspec.defstruct(self.name, fields, rename=names)

    def parse(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the typed values by name; see `Schema.parse`."""
        return dict(zip(self.places, self.values(record), strict=True))

    def values(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the typed values in the order of `places`; see `Schema.parse`."""
        try:
            values = msgspec.structs.astuple(msgspec.convert(record, self._usual))
        except (msgspec.ValidationError, ValueError, SystemError):
            # The last is what an old msgspec makes of an integer that no float holds.
            return self._mend(record)
        for place in self._texts:
            value = values[place]
            if value is not None and not value.isascii() and not is_text(value):
                return self._mend(record)
        for name in self._moments:
            value = record.get(name)
            if isinstance(value, str) and len(value) > _SHORT and _FINER.search(value):
                return self._mend(record)
        for place in self._in_zones:
            value = values[place]
            if value is not None and not _FIRST <= value <= _LAST:
                return self._mend(record)
        if None in values:
            self._warn_of_misspellings(record)
        return values

    def _warn_of_misspellings(self, record: Mapping[str, Any]) -> None:
        """Log an unknown field that is called almost like an optional one that is absent."""
        for field, name in self._misspelt(record, self._optional):
            log.warning("field_ignored", field=field, nearest=name)

    def _misspelt(self, record: Mapping[Any, Any], expected: set[str]) -> Iterator[tuple[str, str]]:
        """Yield unknown fields with the expected one that each is almost called, and absent."""
        absent = expected - record.keys()
        unknown = record.keys() - self.places.keys() if absent else ()
        texts = (field for field in unknown if isinstance(field, str))
        strangers = list(islice(texts, _MOST_STRANGERS))
        for name in sorted(absent if strangers else ()):
            for field in get_close_matches(name, strangers, n=1, cutoff=0.7):
                yield field, name

    def _mend(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """Make plain what numpy, pandas and calendars hand over, or gather every fault."""
        if not isinstance(record, Mapping):
            raise DataError(
                f"A record of {self.name} maps names to values; found {type(record).__name__}."
            )
        values = {column.name: plain(record.get(column.name), column) for column in self.columns}
        violations = [
            Violation(
                column=column.name,
                rule=rule,
                count=1,
                found=() if column.pii or value is None else (shown(value),),
            )
            for column in self.columns
            if (rule := broken_rule(column, value := values[column.name])) is not None
        ]
        if violations:
            message = f"Not a record of {self.name}: {'; '.join(map(str, violations))}."
            for field, name in self._misspelt(record, {v.column for v in violations}):
                message += f" Did you mean {name} instead of {field}?"
            raise DataError(message, violations)
        return msgspec.structs.astuple(msgspec.convert(values, self.struct))


def is_text(value: str) -> bool:
    """Whether every system can exchange the text."""
    return value.isascii() or _UNEXCHANGED.search(value) is None


class _Unheld(NamedTuple):
    """A moment that no datetime holds, as text, and the rule that it breaks."""

    text: str
    rule: str

    def __repr__(self) -> str:
        return repr(self.text)


def plain(value: Any, column: Column) -> Any:
    """Return `value` in plain Python, and None for each way to say that it is missing."""
    if type(value).__name__ in _MISSING_TYPES:
        return None
    if hasattr(value, "to_pydatetime"):
        value = _pandas_time(value)
    elif getattr(value, "ndim", None) == 0:
        # numpy makes numbers of the times that Python does not hold.
        is_time = getattr(value.dtype, "kind", None) in ("m", "M")
        value = _numpy_time(value) if is_time else value.item()
    if isinstance(value, Decimal) and column.kind == "number":
        value = None if value.is_nan() else float(value)
    if isinstance(value, float):
        if value != value:
            return None
        if column.kind == "integer" and value.is_integer():
            return int(value)
    return _moment(value) if column.kind == "datetime" else value


def _moment(value: Any) -> Any:
    """Return dates and ISO 8601 text as datetimes, all else as it is."""
    if isinstance(value, str):
        try:
            # msgspec takes a small t and z.
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            return value
        return _Unheld(value, TOO_FINE) if _FINER.search(value) else moment
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def _pandas_time(value: Any) -> Any:
    if value.nanosecond:
        return _Unheld(value.isoformat(), TOO_FINE)
    if not datetime.min.year <= value.year <= datetime.max.year:
        # Where it has a time zone, pandas cannot write it.
        return _Unheld(str(value.to_datetime64()), OUT_OF_RANGE)
    return value.to_pydatetime()


def _numpy_time(value: Any) -> Any:
    """Return a datetime64 as a datetime, and a timedelta64 as it is."""
    if value != value:
        return None
    if value.dtype.kind == "m":
        return value
    micros = value.astype("datetime64[us]")
    if micros != value:
        return _Unheld(str(value), TOO_FINE)
    moment = micros.item()
    # Too large a number of a longer unit wraps around.
    is_held = isinstance(moment, datetime) and micros.astype(value.dtype) == value
    return moment if is_held else _Unheld(str(value), OUT_OF_RANGE)


def broken_rule(column: Column, value: Any) -> str | None:
    """Name the first rule that a value, made `plain`, breaks."""
    if value is None:
        return None if column.nullable else MISSING
    if column.kind == "datetime":
        return _moment_rule(column, value)
    accepted: Any = (int, float) if column.kind == "number" else PYTHON_TYPES[column.kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and column.kind != "boolean"):
        return column.type_rule
    if isinstance(value, str) and not is_text(value):
        return NOT_TEXT
    if column.allowed is not None and value not in column.allowed:
        return column.allowed_rule
    return _number_rule(column, value) if column.kind in ("number", "integer") else None


def _moment_rule(column: Column, value: Any) -> str | None:
    if isinstance(value, _Unheld):
        return value.rule
    if not isinstance(value, datetime):
        return column.type_rule
    if value.tzinfo is not None and not _FIRST <= value <= _LAST:
        return OUT_OF_RANGE
    return column.type_rule if (value.tzinfo is None) == bool(column.tz) else None


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


def shown(value: Any) -> str:
    """Write a value into a message."""
    return value.isoformat() if isinstance(value, datetime) else _BRIEF.repr(value)[:60]
