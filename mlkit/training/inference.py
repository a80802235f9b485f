"""Guess a first schema from data, and write it as the Python that declares it."""

import keyword
import re
import types as builtin_types
from collections.abc import Iterable
from typing import Any

import pandas as pd
from pandas.api import types

from mlkit.core.column import PYTHON_TYPES, Column, Kind, Role
from mlkit.core.errors import DataError, listed, nearest
from mlkit.core.schema import Schema
from mlkit.training.frames import validate

LINE_LENGTH = 100
#: Words in a column's name that suggest personal data; a guess to be corrected.
_PERSONAL = {"name", "surname", "firstname", "lastname", "email", "phone", "address", "ssn"}
_MAX_LABELS = 20


def infer(frame: pd.DataFrame, *, target: str | None, name: str) -> type[Schema]:
    """Return a schema that `frame` satisfies; see `Schema.infer`."""
    if frame.empty:
        raise DataError("A schema cannot be inferred from a frame without rows.")
    labels: list[Any] = frame.columns.tolist()
    odd = [label for label in labels if not isinstance(label, str) or labels.count(label) > 1]
    if odd:
        raise DataError(f"Columns are named by text, each once; found {listed(odd)}. Rename them.")
    if target is not None and target not in frame:
        raise DataError(f"There is no column {target} to predict. {nearest(target, frame.columns)}")
    kinds = {label: _kind(label, frame[label]) for label in frame.columns}
    moments = [
        label for label, kind in kinds.items() if kind == "datetime" and not frame[label].hasnans
    ]
    event_time = moments[0] if len(moments) == 1 else None
    schema: type[Schema] = builtin_types.new_class(name, (Schema,))
    schema.__doc__ = "One row of the data, as known when a prediction is asked for."
    schema.columns = {
        label: _column(label, kind, frame[label], target=target, event_time=event_time)
        for label, kind in kinds.items()
    }
    validate(schema, frame)
    return schema


def _kind(label: str, values: pd.Series) -> Kind:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "datetime"
    held = types.infer_dtype(values.astype(object), skipna=True)
    if held in ("string", "empty"):
        return "string"
    if held in ("date", "datetime"):
        return "datetime"
    if held == "boolean":
        return "boolean"
    raise DataError(
        f"Column {label} holds {held} values of dtype {dtype}, which no schema can hold. Convert "
        "it to text, numbers, booleans or datetimes, or drop it."
    )


def _column(
    label: str, kind: Kind, values: pd.Series, *, target: str | None, event_time: str | None
) -> Column:
    words = set(re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", label).lower()))
    role: Role = "feature"
    if label == target:
        role = "target"
    elif label == event_time:
        role = "event_time"
    elif label.startswith("Unnamed: ") and values.is_unique:
        # The index of a frame that was written to CSV with it.
        role = "key"
    elif "id" in words and kind in ("string", "integer") and values.is_unique:
        role = "key"
    distinct = values.dropna().unique()
    labels: tuple[str | int, ...] | None = None
    if label == target and kind == "string" and len(distinct) <= _MAX_LABELS:
        labels = tuple(sorted(map(str, distinct)))
    elif label == target and kind == "integer" and set(distinct) <= {0, 1}:
        labels = (0, 1)
    tz = getattr(values.dtype, "tz", None)
    return Column(
        name=label,
        kind=kind,
        nullable=bool(values.isna().any()),
        role=role,
        allowed=labels,
        pii=bool(words & _PERSONAL) and kind == "string",
        tz=None if tz is None else str(tz),
    )


def source(schema: type[Schema], note: str) -> str:
    """Return the Python module that declares `schema`, formatted as ruff would.

    Parameters
    ----------
    schema
        An inferred schema.
    note
        The rest of the module's docstring after its first sentence.
    """
    body = _declarations(schema.columns.values())
    imports = []
    if any(column.kind == "datetime" for column in schema.columns.values()):
        imports.append("from datetime import datetime")
    if "Literal[" in body:
        imports.append("from typing import Literal")
    names = "Schema, column" if "column(" in body else "Schema"
    lines = [
        f'"""What a record is.\n\n{note}\n"""\n',
        *([*imports, ""] if imports else []),
        f"from mlkit import {names}\n\n",
        f"class {schema.__name__}(Schema):",
        f'    """{schema.__doc__}"""\n',
        body,
    ]
    return "\n".join(lines) + "\n"


def _declarations(columns: Iterable[Column]) -> str:
    used: set[str] = set()
    return "\n".join(_declaration(column, used) for column in columns)


def _declaration(column: Column, used: set[str]) -> str:
    attribute = re.sub(r"\W+", "_", column.name).strip("_").lower() or "column"
    if not f"_{attribute}".isidentifier():
        attribute = re.sub(r"[^a-z0-9]+", "_", attribute).strip("_") or "column"
    if column.name.isidentifier() and not column.name.startswith("_"):
        attribute = column.name
    if attribute[0].isdigit() or keyword.iskeyword(attribute) or hasattr(Schema, attribute):
        attribute = f"column_{attribute}"
    while attribute in used:
        attribute += "_"
    used.add(attribute)
    arguments = {
        "name": column.name if attribute != column.name else None,
        "role": column.role if column.role != "feature" else None,
        "pii": column.pii or None,
        "tz": column.tz,
    }
    given = [f"{key}={_literal(value)}" for key, value in arguments.items() if value is not None]
    annotation = PYTHON_TYPES[column.kind].__name__
    if column.allowed is not None:
        allowed = f"Literal[{', '.join(map(_literal, column.allowed))}]"
        fits = len(f"    {attribute}: {allowed} | None = column(") <= LINE_LENGTH
        annotation = allowed if fits else annotation
    head = f"    {attribute}: {annotation}{' | None' if column.nullable else ''}"
    if not given:
        return head
    line = f"{head} = column({', '.join(given)})"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"{head} = column(", *(f"        {item}," for item in given), "    )"])


def _literal(value: object) -> str:
    """Write a literal with double quotes, as formatters do."""
    if not isinstance(value, str):
        return repr(value)
    escaped = value.encode("unicode_escape").decode() if not value.isprintable() else value
    escaped = escaped.replace("\\", "\\\\") if escaped is value else escaped
    return '"' + escaped.replace('"', '\\"') + '"'
