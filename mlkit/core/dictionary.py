"""The data dictionary: what each column of a schema holds, as a page for people."""

import inspect

from mlkit.core.column import COMPARISONS, Column
from mlkit.core.schema import Schema
from mlkit.core.table import Table, escaped

_HEAD = ("column", "role", "type", "may be missing", "values", "unit", "personal", "meaning")


def dictionary(schema: type[Schema]) -> str:
    """Return the data dictionary of a schema, in Markdown.

    Examples
    --------
    >>> from mlkit import Schema, column
    >>> class Flight(Schema):
    ...     distance: float = column(ge=0, unit="mi", description="Along the great circle")
    >>> print(dictionary(Flight))
    # Flight
    <BLANKLINE>
    | column | role | type | may be missing | values | unit | personal | meaning |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | distance | feature | number | no | at least 0 | mi | no | Along the great circle |
    <BLANKLINE>
    """
    table = Table(head=_HEAD, rows=tuple(map(_row, schema.columns.values())), n_texts=len(_HEAD))
    purpose = [escaped(inspect.cleandoc(schema.__doc__))] if schema.__doc__ else []
    return "\n\n".join([f"# {schema.__name__}", *purpose, table.markdown()]) + "\n"


def _row(column: Column) -> tuple[str, ...]:
    return (
        column.name,
        column.role.replace("_", " "),
        column.kind,
        "yes" if column.nullable else "no",
        _values(column),
        column.unit or "",
        "yes" if column.pii else "no",
        column.description or "",
    )


def _values(column: Column) -> str:
    if column.allowed is not None:
        return ", ".join(map(str, column.allowed))
    if column.kind == "datetime":
        return f"in {column.tz}" if column.tz else "no time zone"
    return " and ".join(
        f"{COMPARISONS[name][1]} {bound:g}" for name, bound in column.bounds.items()
    )
