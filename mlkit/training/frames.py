"""Say what a frame must hold, and refuse any other.

Raw frames stop here: every later stage may trust names, order and types. A
column that already has a fitting dtype is checked as a whole; any other goes
value by value through the very rules that a record meets.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from mlkit.core.column import COMPARISONS, LARGEST_EXACT, Column
from mlkit.core.errors import DataError, Violation, listed
from mlkit.core.log import get_logger
from mlkit.core.records import MISSING, NOT_FINITE, broken_rule, plain
from mlkit.core.schema import Schema

log = get_logger(__name__)

ABSENT = "is absent"
N_SHOWN = 5
#: pandas 3 has a string dtype of its own; before it, strings are objects with NaN.
STRING = "str" if int(pd.__version__.split(".")[0]) >= 3 else "object"


def validate(schema: type[Schema], frame: pd.DataFrame, *, outcomes: bool = True) -> pd.DataFrame:
    """Return `frame` as the schema says; see `Schema.validate`."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{schema.__name__} validates a pandas DataFrame, got {type(frame)}.")
    doubled = frame.columns[frame.columns.duplicated()].unique()
    if len(doubled):
        raise DataError(f"The frame has more than one column {listed(doubled)}. Keep one of each.")
    violations: list[Violation] = []
    validated: dict[str, pd.Series] = {}
    for column in schema.columns.values():
        if not outcomes and not column.known_before:
            continue
        if column.name in frame:
            found = frame[column.name]
            validated[column.name], broken = _check(column, found)
            violations += [_violation(column, rule, rows, found) for rule, rows in broken.items()]
        elif column.nullable:
            log.warning("column_defaulted", column=column.name, value="missing in every row")
            validated[column.name] = _coerced(column, [None] * len(frame), frame.index)
        else:
            violations.append(Violation(column=column.name, rule=ABSENT, count=len(frame)))
    if violations:
        raise DataError(_message(schema, frame, violations), violations)
    return pd.DataFrame(validated, index=frame.index)


def from_records(schema: type[Schema], records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return parsed records (`Schema.parse`) as the frame that validation would return."""
    return pd.DataFrame(
        {
            column.name: _coerced(column, [record[column.name] for record in records], None)
            for column in schema.columns.values()
            if column.known_before
        }
    )


def fingerprints(frame: pd.DataFrame) -> np.ndarray:
    """Return a fingerprint (uint64) of each row of a validated frame, whatever its index."""
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _message(schema: type[Schema], frame: pd.DataFrame, violations: Sequence[Violation]) -> str:
    faults = "; ".join(map(str, violations))
    message = f"Not a frame of {schema.__name__}: {faults}. "
    if any(violation.rule == ABSENT for violation in violations):
        message += (
            f"The frame has the columns {listed(frame.columns, most=20)}: add what is absent, or "
            "mark it optional (`| None`). "
        )
    return message + "Mend the data upstream, or widen the schema."


def _check(column: Column, found: pd.Series) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Return the values in the column's dtype, and the rows that break each rule.

    Values are only as good as the rules that held: with a broken rule they are
    not to be used.
    """
    values = _native(column, found)
    if values is not None:
        broken = {rule: np.flatnonzero(breaks) for rule, breaks in _rules(column, values)}
        return values, {rule: rows for rule, rows in broken.items() if len(rows)}
    items = [plain(value, column) for value in found]
    rules = np.array([broken_rule(column, item) or "" for item in items], dtype=object)
    broken = {rule: np.flatnonzero(rules == rule) for rule in dict.fromkeys(rules) if rule}
    return (found if broken else _coerced(column, items, found.index)), broken


def _native(column: Column, found: pd.Series) -> pd.Series | None:
    """Return the whole column in its dtype where that loses nothing, else None."""
    if isinstance(found.dtype, pd.CategoricalDtype):
        found = found.astype(object if found.hasnans else found.cat.categories.dtype)
    dtype: Any = found.dtype
    if column.kind == "string":
        is_text = (
            types.infer_dtype(found, skipna=True) == "string"
            if types.is_object_dtype(dtype)
            else isinstance(dtype, pd.StringDtype)
        )
        return _strings(found) if is_text else None
    if column.kind == "boolean":
        if not types.is_bool_dtype(dtype) or (found.hasnans and not column.nullable):
            return None
        return found.astype("boolean" if column.nullable else "bool")
    if column.kind == "datetime":
        is_aware = getattr(dtype, "tz", None) is not None
        if not types.is_datetime64_any_dtype(dtype) or is_aware != bool(column.tz):
            return None
        moments = (found.dt.tz_convert(column.tz) if is_aware else found).astype(_dtype(column))
        return moments if ((moments == found) | found.isna()).all() else None
    if types.is_bool_dtype(dtype) or not types.is_any_real_numeric_dtype(dtype):
        return None
    if column.kind == "number":
        is_exact = found.between(-LARGEST_EXACT, LARGEST_EXACT) | found.isna()
        if types.is_integer_dtype(dtype) and not is_exact.all():
            return None
        return found.astype("float64")
    if found.hasnans and not column.nullable:
        return None
    is_exact = (found % 1 == 0) & (found.abs() <= LARGEST_EXACT) | found.isna()
    if not is_exact.all():
        return None
    return found.astype("float64" if column.nullable else "int64")


def _strings(found: pd.Series) -> pd.Series:
    if STRING == "str":
        return found.astype("str")
    return found.astype(object).where(found.notna(), np.nan)


def _dtype(column: Column) -> Any:
    if column.kind == "datetime":
        return f"datetime64[us, {column.tz}]" if column.tz else "datetime64[us]"
    if column.kind == "integer":
        return "float64" if column.nullable else "int64"
    if column.kind == "boolean":
        return "boolean" if column.nullable else "bool"
    return STRING if column.kind == "string" else "float64"


def _coerced(column: Column, items: Sequence[Any], index: pd.Index | None) -> pd.Series:
    """Return plain values that break no rule, in the column's dtype."""
    values = pd.Series(items, index=index, dtype=object)
    if column.kind == "string":
        return _strings(values)
    if column.kind == "datetime":
        # By numpy, because pandas 2 reads datetimes as nanoseconds, which end in 2262.
        naive = [_in_utc(item) if item is not None and column.tz else item for item in items]
        moments = pd.Series(np.array(naive, dtype="datetime64[us]"), index=index)
        return moments.dt.tz_localize("UTC").dt.tz_convert(column.tz) if column.tz else moments
    return values.astype(_dtype(column))


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _rules(column: Column, values: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each rule with the rows that break it, for values of the right dtype."""
    is_missing = values.isna().to_numpy()
    if not column.nullable:
        yield MISSING, is_missing
    if column.allowed is not None:
        yield column.allowed_rule, ~values.isin(column.allowed).to_numpy() & ~is_missing
    if column.kind == "number":
        yield NOT_FINITE, np.isinf(values.to_numpy())
    for bound, limit in column.bounds.items():
        holds = COMPARISONS[bound][0](values.to_numpy(), limit)
        yield column.bound_rule(bound), ~holds & ~is_missing


def _violation(column: Column, rule: str, rows: np.ndarray, found: pd.Series) -> Violation:
    first = rows[:N_SHOWN]
    is_shown = not column.pii and rule != MISSING
    values = found.iloc[first].tolist() if is_shown else []
    return Violation(
        column=column.name,
        rule=rule,
        count=len(rows),
        rows=tuple(int(row) for row in first),
        found=tuple(repr(value)[:60] for value in values),
    )
