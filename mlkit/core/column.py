"""Say what one column may hold."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from mlkit.core.errors import ConfigError, listed

Role = Literal["feature", "key", "event_time", "target", "outcome"]
Kind = Literal["string", "number", "integer", "boolean", "datetime"]

ROLES: tuple[str, ...] = get_args(Role)
PYTHON_TYPES: dict[Kind, type] = {
    "string": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "datetime": datetime,
}
#: Each bound's comparison, vectorised or not, and its words.
COMPARISONS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "ge": (operator.ge, "at least"),
    "gt": (operator.gt, "above"),
    "le": (operator.le, "at most"),
    "lt": (operator.lt, "below"),
}
_TYPE_RULES: dict[Kind, str] = {
    "string": "is not text",
    "number": "is not a number",
    "integer": "is not a whole number",
    "boolean": "is not true or false",
    "datetime": "is not a datetime without a time zone",
}
#: Largest whole number that float64, and so a column with missing values, holds exactly.
LARGEST_EXACT = 2**53
#: Half of it cannot be written here: surrogates stand in no regular expression that all read.
_TEXT = r"^[^\uFDD0-\uFDEF]*$"
_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a schema: its type, its rules, and what it is for.

    Attributes
    ----------
    name
        Its name in frames and records.
    kind
        string, number, integer, boolean or datetime.
    nullable
        Whether a value may be missing, and so the whole column absent.
    role
        `feature` may be used to predict; `key` names the entity; `event_time`
        says when the row was known; `target` and `outcome` are known only
        afterwards and never reach a Featurizer.
    ge, gt, le, lt
        Bounds of a number or an integer.
    allowed
        The only values that a string or an integer may take.
    unit, description
        For people; shown in documentation and JSON Schema.
    pii
        Personal data: its values are never logged or shown.
    tz
        Time zone (IANA name) of a datetime; None means naive wall-clock time.
    """

    name: str
    kind: Kind
    nullable: bool = False
    role: Role = "feature"
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    allowed: tuple[str | int, ...] | None = None
    unit: str | None = None
    description: str | None = None
    pii: bool = False
    tz: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ConfigError(
                f"Column {self.name} has the role {self.role!r}; valid: {listed(ROLES)}."
            )
        if self.bounds and self.kind not in ("number", "integer"):
            raise ConfigError(
                f"Column {self.name} is a {self.kind} with bounds; only numbers have bounds."
            )
        for pair in (("ge", "gt"), ("le", "lt")):
            if self.bounds.keys() >= set(pair):
                raise ConfigError(f"Column {self.name} has {pair[0]} and {pair[1]}: keep one.")
        if self.kind == "integer" and any(bound % 1 for bound in self.bounds.values()):
            raise ConfigError(f"Column {self.name} is an integer: its bounds must be whole.")
        if self.allowed is not None and self.kind not in ("string", "integer"):
            raise ConfigError(
                f"Column {self.name} is a {self.kind} with allowed values; "
                "only strings and integers may list them."
            )
        if self.allowed is not None and not self.allowed:
            raise ConfigError(f"Column {self.name} allows no value at all.")
        if self.allowed is not None and self.bounds:
            raise ConfigError(f"Column {self.name} lists its values: leave out its bounds.")
        if self.tz is not None and self.kind != "datetime":
            raise ConfigError(f"Column {self.name} is a {self.kind} with a time zone.")
        if self.tz is not None:
            try:
                ZoneInfo(self.tz)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ConfigError(f"Column {self.name}: no time zone {self.tz!r}.") from None

    @property
    def known_before(self) -> bool:
        """Whether the value is known when a prediction is asked for."""
        return self.role not in ("target", "outcome")

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that are set, by the name of their comparison."""
        named = {"ge": self.ge, "gt": self.gt, "le": self.le, "lt": self.lt}
        return {name: bound for name, bound in named.items() if bound is not None}

    @property
    def dtype(self) -> str:
        """The numpy dtype that its values have; a missing one is NaN, NaT or None.

        Whole numbers and booleans that may be missing are float64, datetimes
        with a time zone are in UTC.
        """
        if self.kind == "string":
            return "object"
        if self.kind == "datetime":
            return "datetime64[us]"
        if self.kind == "number" or self.nullable:
            return "float64"
        return "int64" if self.kind == "integer" else "bool"

    @property
    def type_rule(self) -> str:
        """What is said of a value of another type."""
        if self.tz:
            return "is not a datetime with a time zone"
        return _TYPE_RULES[self.kind]

    @property
    def allowed_rule(self) -> str:
        """What is said of a value that `allowed` does not list."""
        return f"is none of {listed(self.allowed or ())}"

    @property
    def largest_integer(self) -> int:
        """The largest whole number that the column's dtype holds exactly."""
        is_float = self.nullable or self.kind == "number"
        return LARGEST_EXACT if is_float else 2**63 - 1

    @property
    def json_rules(self) -> dict[str, Any]:
        """What JSON Schema says of a value beside its type, its bounds and its words.

        Of datetimes it names one form of those that are read, which has no leap second:
        https://spec.openapis.org/registry/format/date-time-local for one without a time zone.
        """
        if self.kind == "string" and self.allowed is None:
            return {"pattern": _TEXT}
        if self.kind == "datetime" and self.tz:
            return {"format": "date-time", "pattern": f"{_MOMENT}(Z|[+-][0-9]{{2}}:[0-9]{{2}})$"}
        if self.kind == "datetime":
            return {"format": "date-time-local", "pattern": f"{_MOMENT}$"}
        if self.kind == "integer" and self.allowed is None:
            most = self.largest_integer
            return {
                "minimum": int(max(-most, self.bounds.get("ge", -most))),
                "maximum": int(min(most, self.bounds.get("le", most))),
            }
        return {}

    def bound_rule(self, bound: str) -> str:
        """Say what is wrong with a value on the wrong side of the bound called `bound`."""
        return f"is not {COMPARISONS[bound][1]} {self.bounds[bound]:.15g}"

    @property
    def record_type(self) -> Any:
        """The type that msgspec holds a record's value against."""
        return self._type(self.bounds)

    @property
    def usual_type(self) -> Any:
        """The same without numbers that are NaN, infinite or too large to be held exactly."""
        bounds = self.bounds
        if self.kind in ("number", "integer") and self.allowed is None:
            low, high = "gt" if "gt" in bounds else "ge", "lt" if "lt" in bounds else "le"
            # One less, for a larger number may be rounded to the largest.
            most = LARGEST_EXACT - 1
            bounds[low] = max(-most, bounds.get(low, -most))
            bounds[high] = min(most, bounds.get(high, most))
        return self._type(bounds)

    def _type(self, bounds: Mapping[str, float]) -> Any:
        base: Any = PYTHON_TYPES[self.kind]
        meta: dict[str, Any] = {name: base(bound) for name, bound in bounds.items()}
        if self.kind == "datetime":
            meta["tz"] = self.tz is not None
        if rules := self.json_rules | ({"x-unit": self.unit} if self.unit else {}):
            meta["extra_json_schema"] = rules
        if self.description:
            meta["description"] = self.description
        if self.allowed is not None:
            base = Literal[self.allowed]
        annotated = Annotated[base, msgspec.Meta(**meta)] if meta else base
        return annotated | None if self.nullable else annotated


def column(
    *,
    role: Role = "feature",
    description: str | None = None,
    unit: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    pii: bool = False,
    tz: str | None = None,
    name: str | None = None,
) -> Any:
    """Declare one column in the body of a `Schema`.

    Its type and whether it may be missing come from the annotation, its
    allowed values from a `Literal`. See `Column` for the parameters; `name` is
    the column's name in the data where that is no Python identifier.

    Examples
    --------
    >>> from mlkit import Schema, column
    >>> class Flight(Schema):
    ...     distance: float = column(ge=0, unit="mi")
    ...     tailnum: str | None = column(role="key")
    >>> Flight.columns["distance"].unit
    'mi'
    """
    return dict(locals())
