"""Say what a record is: one class for frames, records, documents and logs.

A `Schema` is declared once, travels in a bundle as JSON, and is all that the
two sides of the fence share about the data.
"""

import inspect
import json
import types
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

import msgspec

from mlkit.core.column import PYTHON_TYPES, Column
from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.extras import load
from mlkit.core.records import RecordParser

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
_KINDS = {python: kind for kind, python in PYTHON_TYPES.items()}


class Schema:
    """Base class of every schema; subclass it and annotate the columns.

    A column whose type admits `None` may hold missing values, and may be absent
    altogether. Columns that the schema does not name are left out.

    Attributes
    ----------
    columns
        The columns by name, in the order of their declaration.

    Raises
    ------
    ConfigError
        When a subclass is declared with a type or a rule that is not supported.
    """

    columns: ClassVar[dict[str, Column]] = {}
    _compiled: ClassVar[RecordParser]

    def __init_subclass__(cls) -> None:
        declared = dict(cls.columns)
        own = list(inspect.get_annotations(cls))
        hints = _hints(cls) if own else {}
        for attribute in own:
            if hasattr(Schema, attribute):
                raise ConfigError(
                    f"{cls.__name__} cannot call an attribute {attribute}: every schema has it. "
                    f'Call it otherwise and say column(name="{attribute}").'
                )
            column = _column(attribute, hints[attribute], vars(cls).get(attribute, {}))
            declared[column.name] = column
        cls.columns = declared
        times = cls.names(role="event_time")
        targets = cls.names(role="target")
        for role, names in (("event_time", times), ("target", targets)):
            if len(names) > 1:
                raise ConfigError(f"{cls.__name__} has more than one {role}: {listed(names)}.")

    @classmethod
    def names(cls, *, role: str | None = None, known_before: bool | None = None) -> list[str]:
        """Return the columns' names, of one role or of one side of the prediction."""
        return [
            column.name
            for column in cls.columns.values()
            if role in (None, column.role) and known_before in (None, column.known_before)
        ]

    @classmethod
    def pii(cls) -> list[str]:
        """Return the names of the columns that hold personal data."""
        return [column.name for column in cls.columns.values() if column.pii]

    @classmethod
    def event_time(cls) -> str | None:
        """Return the name of the column that says when a row was known, if there is one."""
        return next(iter(cls.names(role="event_time")), None)

    @classmethod
    def validate(cls, frame: "pd.DataFrame", *, outcomes: bool = True) -> "pd.DataFrame":
        """Return `frame` with the schema's columns, in its order and types.

        Parameters
        ----------
        frame
            Any columns, any index; it is not changed.
        outcomes
            Whether targets and outcomes are expected; without them a frame is
            what a prediction is asked for.

        Returns
        -------
        pandas.DataFrame
            Same index. Numbers are float64, integers int64 (float64 where
            values may be missing), booleans bool (`boolean` where they may be
            missing), strings pandas' own string type, datetimes in
            microseconds.

        Raises
        ------
        DataError
            Naming every column and rule that the frame breaks.
        """
        frames = load("mlkit.training.frames", extra="train", purpose="Validating a frame")
        validated: pd.DataFrame = frames.validate(cls, frame, outcomes=outcomes)
        return validated

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of `record` that are known before a prediction, typed.

        Missing values are None; fields that the schema does not name are left
        out. Datetimes may be ISO 8601 text, numbers may be whole.

        Raises
        ------
        DataError
            Naming every field and rule that the record breaks.
        """
        return record_parser(cls).parse(record)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a record that asks for a prediction."""
        document = msgspec.json.schema(record_parser(cls).struct)
        definition: dict[str, Any] = document["$defs"][cls.__name__]
        return definition

    @classmethod
    def to_json(cls) -> str:
        """Write the schema as JSON, to be read back by `from_json`."""
        default = asdict(Column(name="", kind="string"))
        columns = [
            {key: value for key, value in asdict(column).items() if value != default[key]}
            | {"kind": column.kind}
            for column in cls.columns.values()
        ]
        form = {
            "format": FORMAT,
            "name": cls.__name__,
            "description": (cls.__doc__ or "").strip(),
            "columns": columns,
        }
        return json.dumps(form, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> type[Self]:
        """Rebuild a schema class from what `to_json` wrote.

        Raises
        ------
        ConfigError
            If the text is not such a document, or of a newer format.
        """
        try:
            form = msgspec.json.decode(text, type=_Form)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"Not the JSON form of a schema: {error}.") from None
        if form.format > FORMAT:
            raise ConfigError(
                f"The schema is of format {form.format}; this mlkit reads up to {FORMAT}. "
                "Upgrade mlkit."
            )
        columns = {column.name: column for column in form.columns}
        if len(columns) < len(form.columns):
            raise ConfigError(f"The schema {form.name} names a column twice.")
        try:
            schema: type[Self] = types.new_class(form.name, (cls,))
            schema.__doc__ = form.description
            schema.columns = columns
            record_parser(schema)
        except (TypeError, ValueError) as error:
            # Names that Python or msgspec cannot have, rules that exclude each other.
            raise ConfigError(f"The schema {form.name!r} cannot be used: {error}.") from None
        return schema

    @classmethod
    def infer(
        cls, frame: "pd.DataFrame", *, target: str | None = None, name: str = "Record"
    ) -> type[Self]:
        """Guess a first schema from the data; meant to be read and corrected.

        Parameters
        ----------
        frame
            Rows as they will be trained on.
        target
            The column to predict.
        name
            Name of the new class.

        Raises
        ------
        DataError
            If the frame has no rows, no such target, or a column of no supported type.
        """
        inference = load("mlkit.training.inference", extra="train", purpose="Inferring a schema")
        inferred: type[Self] = inference.infer(frame, target=target, name=name)
        return inferred


class _Form(msgspec.Struct):
    format: int
    name: str
    description: str
    columns: list[Column]


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except NameError as error:
        raise ConfigError(
            f"{cls.__name__} annotates a column with an unknown name: {error}."
        ) from None


def _column(attribute: str, annotation: Any, declared: Mapping[str, Any]) -> Column:
    if not isinstance(declared, dict):
        raise ConfigError(f"{attribute} has a default, {declared!r}; declare it with column(...).")
    arguments = {key: value for key, value in declared.items() if value is not None}
    name = arguments.pop("name", attribute)
    nullable, allowed = False, None
    if isinstance(annotation, types.UnionType) or "Union" in str(get_origin(annotation)):
        kept = [part for part in get_args(annotation) if part is not type(None)]
        nullable = len(kept) < len(get_args(annotation))
        annotation = kept[0] if len(kept) == 1 else annotation
    if get_origin(annotation) is Literal:
        allowed = get_args(annotation)
        kinds = {type(value) for value in allowed}
        annotation = kinds.pop() if len(kinds) == 1 else annotation
    if annotation not in _KINDS:
        raise ConfigError(
            f"Column {name} is annotated {annotation}; a column is str, float, int, bool, "
            "datetime or a Literal of strings or integers, each with | None where it may be "
            "missing."
        )
    kind = _KINDS[annotation]
    return Column(name=name, kind=kind, nullable=nullable, allowed=allowed, **arguments)


def record_parser(schema: type[Schema]) -> RecordParser:
    """Return what parses the records of a schema, compiled at its first use."""
    # Once a class: a subclass has columns of its own.
    compiled: RecordParser | None = vars(schema).get("_compiled")
    if compiled is None:
        known = [column for column in schema.columns.values() if column.known_before]
        compiled = schema._compiled = RecordParser(schema.__name__, known)  # noqa: SLF001
    return compiled


def check_name(schema: type[Schema], name: str) -> str:
    """Return `name` if the schema has such a column, else say which is nearest.

    Raises
    ------
    ConfigError
        If there is no such column.
    """
    if name not in schema.columns:
        raise ConfigError(
            f"{schema.__name__} has no column {name}. {nearest(name, schema.columns)}"
        )
    return name
