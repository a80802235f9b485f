"""Frames that record what is done to them, and what pandas makes frames and columns with."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.errors import nearest
from mlkit.training.compilation import choices, reductions
from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.standins import ADVICE, Index, Standin, advice, only
from mlkit.training.compilation.values import NUMBERS, constant, is_scalar

#: As it is while nothing is traced.
_DATAFRAME = pd.DataFrame


class NoColumn(KeyError, AttributeError):  # noqa: N818
    """A column that a frame has not, as pandas says it, and what to do."""

    def __init__(self, column: Any, names: Iterable[Any]) -> None:
        super().__init__(column)
        self.column = column
        known = nearest(str(column), map(str, names))
        self.advice = f"{known} What is known only afterwards is never there."


class Frame(Standin):
    """A DataFrame that is being traced; its columns change in place as pandas' do."""

    _kind = "a frame"

    def __init__(self, columns: Mapping[Any, Any]) -> None:
        self._columns = {name: as_column(column) for name, column in columns.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_columns", "columns"):
            super().__setattr__(name, value)
        elif name in self._columns and not hasattr(_DATAFRAME, name):
            self[name] = value
        else:
            raise Untraceable(
                f"frame.{name} = …", f'pandas makes no column of it: write frame["{name}"] = ….'
            )

    @property
    def columns(self) -> pd.Index:
        """The names of its columns."""
        names: pd.Index = pd.Index(list(self._columns))
        return names

    @columns.setter
    def columns(self, names: Sequence[Any]) -> None:
        self._columns = dict(zip(names, self._columns.values(), strict=True))

    @property
    def index(self) -> Index:
        """Its index, which stays what it is."""
        return Index()

    @property
    def loc(self) -> "_Loc":
        """Columns of all rows: `frame.loc[:, names]`."""
        return _Loc(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or hasattr(_DATAFRAME, name):
            super().__getattr__(name)
        return self[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns)

    def __contains__(self, name: Any) -> bool:
        return name in self._columns

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, TracedColumn):
            raise Untraceable("choosing rows", "Keep every row; mark values with .where.")
        if isinstance(key, (list, pd.Index)):
            return Frame({name: self[name] for name in key})
        if key not in self._columns:
            raise NoColumn(key, self._columns)
        return self._columns[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, list):
            columns = (
                [c for _, c in value.items()] if isinstance(value, Frame) else [value] * len(key)
            )
            self._columns.update(zip(key, map(as_column, columns), strict=True))
            return
        self._columns[key] = as_column(value)

    def __delitem__(self, key: Any) -> None:
        del self._columns[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """See `pandas.DataFrame.get`."""
        return self._columns.get(key, default)

    def items(self) -> Iterator[tuple[Any, TracedColumn]]:
        """See `pandas.DataFrame.items`."""
        return iter(list(self._columns.items()))

    def pop(self, item: Any) -> TracedColumn:
        """See `pandas.DataFrame.pop`."""
        column: TracedColumn = self[item]
        del self[item]
        return column

    def insert(self, loc: int, column: Any, value: Any) -> None:
        """See `pandas.DataFrame.insert`."""
        items = list(self._columns.items())
        items.insert(loc, (column, as_column(value)))
        self._columns = dict(items)

    def copy(self, deep: bool = True) -> "Frame":
        """Return another frame of the same columns."""
        return Frame(self._columns)

    def assign(self, **columns: Any) -> "Frame":
        """See `pandas.DataFrame.assign`."""
        result = self.copy()
        for name, column in columns.items():
            result[name] = column(result) if callable(column) else column
        return result

    def drop(
        self, labels: Any = None, axis: Any = 0, columns: Any = None, **options: Any
    ) -> "Frame":
        """See `pandas.DataFrame.drop`, of columns."""
        only(".drop", options, "errors")
        if columns is None and axis not in (1, "columns"):
            raise Untraceable("drop of rows", "Keep every row.")
        dropped = labels if columns is None else columns
        dropped = [dropped] if isinstance(dropped, str) else list(dropped)
        absent = [name for name in dropped if name not in self._columns]
        if absent and options.get("errors") != "ignore":
            raise NoColumn(absent[0], self._columns)
        return Frame({n: c for n, c in self._columns.items() if n not in dropped})

    def rename(
        self, mapper: Any = None, columns: Any = None, axis: Any = 0, **options: Any
    ) -> "Frame":
        """See `pandas.DataFrame.rename`, of columns."""
        only(".rename", options, "copy")
        names = columns if columns is not None else mapper
        if columns is None and axis not in (1, "columns"):
            raise Untraceable("rename of rows", "Features keep the index of the frame.")
        rename = names if callable(names) else lambda name: names.get(name, name)
        return Frame({rename(name): column for name, column in self._columns.items()})

    def add_prefix(self, prefix: str) -> "Frame":
        """See `pandas.DataFrame.add_prefix`."""
        return Frame({f"{prefix}{name}": column for name, column in self._columns.items()})

    def add_suffix(self, suffix: str) -> "Frame":
        """See `pandas.DataFrame.add_suffix`."""
        return Frame({f"{name}{suffix}": column for name, column in self._columns.items()})

    def reindex(self, columns: Any = None, **options: Any) -> "Frame":
        """See `pandas.DataFrame.reindex`, of columns that are there."""
        if columns is None or options:
            raise Untraceable("reindex of rows", "Features keep the index of the frame.")
        chosen: Frame = self[list(columns)]
        return chosen

    def join(self, other: Any, **options: Any) -> "Frame":
        """See `pandas.DataFrame.join`, of a frame of the same rows."""
        if not isinstance(other, (Frame, TracedColumn)) or options:
            raise Untraceable(".join with another table", ADVICE["merge"])
        return concat([self, other], axis=1)

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """See `pandas.DataFrame.pipe`."""
        return function(self, *args, **kwargs)

    def fillna(self, value: Any) -> "Frame":
        """See `pandas.DataFrame.fillna`."""
        if isinstance(value, (dict, pd.Series)):
            table = dict(value)
            return self._each(lambda n, c: c.fillna(table[n]) if n in table else c)
        return self._each(lambda n, c: c.fillna(value))

    def astype(self, dtype: Any, **options: Any) -> "Frame":
        """See `pandas.DataFrame.astype`."""
        only(".astype", options, "copy")
        if isinstance(dtype, dict):
            return self._each(lambda n, c: c.astype(dtype[n]) if n in dtype else c)
        return self._each(lambda n, c: c.astype(dtype))

    def _each(self, function: Callable[[Any, TracedColumn], TracedColumn]) -> "Frame":
        return Frame({name: function(name, column) for name, column in self._columns.items()})

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Frame":
        if method != "__call__" or len(inputs) != 1 or options:
            raise Untraceable(f"np.{ufunc.__name__} of a frame", "Use it on columns.")
        return self._each(lambda n, c: ufunc(c))


def _of_each(name: str) -> Callable[..., Frame]:
    """Return a method of frames that calls that of each column."""
    return lambda self, *args, **kwargs: Frame(
        {n: getattr(column, name)(*args, **kwargs) for n, column in self.items()}
    )


def _across(name: str) -> Callable[..., TracedColumn]:
    """Return a method of frames that makes one value of each row."""

    def method(self: Frame, axis: Any = 0, **options: Any) -> TracedColumn:
        if axis not in (1, "columns"):
            raise Untraceable(f".{name} of a frame", advice(name))
        only(f".{name}", options)
        values = [column.value for _, column in self.items()]
        return TracedColumn(reductions.across(name, values))

    return method


for _name in ("isna", "isnull", "notna", "notnull", "clip", "round", "abs"):
    setattr(Frame, _name, _of_each(_name))
for _name in reductions.ACROSS:
    setattr(Frame, _name, _across(_name))


class _Loc:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and isinstance(key[0], slice) and key[0] == slice(None):
            return self._frame[key[1]]
        raise Untraceable("choosing rows", "Keep every row; mark values with .where.")

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, tuple) and isinstance(key[0], slice) and key[0] == slice(None):
            self._frame[key[1]] = value
            return
        raise Untraceable("assigning to rows", "Use .where, .mask or np.where.")


def as_column(value: Any) -> TracedColumn:
    """Return what a frame holds under a name: a column, or a value for every row."""
    if isinstance(value, TracedColumn):
        return TracedColumn(value.value, value.name)
    if is_scalar(value):
        return TracedColumn(constant(value))
    raise Untraceable(
        f"a column from a {type(value).__name__}", "Make it of columns, or of one value."
    )


def dataframe(data: Any = None, index: Any = None, columns: Any = None, **options: Any) -> Frame:
    """Return what `pandas.DataFrame` would of traced columns."""
    only("pd.DataFrame", options, "dtype", "copy")
    if isinstance(data, Frame):
        frame = data.copy()
    elif isinstance(data, Mapping):
        frame = Frame(data)
    elif data is None:
        frame = Frame({})
    else:
        raise Untraceable(
            f"pd.DataFrame of a {type(data).__name__}", "Give a dict of names and columns."
        )
    frame = frame if columns is None else frame[list(columns)]
    return frame if options.get("dtype") is None else frame.astype(options["dtype"])


def series(
    data: Any = None, index: Any = None, dtype: Any = None, name: Any = None, **options: Any
) -> TracedColumn:
    """Return what `pandas.Series` would of a traced column."""
    only("pd.Series", options, "copy")
    found = as_column(data)
    column = TracedColumn(found.value, found.name if name is None else name)
    return column if dtype is None else column.astype(dtype)


def concat(objs: Any, axis: Any = 0, **options: Any) -> Frame:
    """Return what `pandas.concat` would of frames side by side."""
    only("pd.concat", options, "copy", "join", "sort", "verify_integrity")
    if axis not in (1, "columns"):
        raise Untraceable("pd.concat of rows", "Put frames side by side: axis=1.")
    parts = objs.items() if isinstance(objs, Mapping) else [(None, part) for part in objs]
    columns: dict[Any, TracedColumn] = {}
    for key, part in parts:
        if isinstance(part, Frame) and key is None:
            found = dict(part.items())
        elif isinstance(part, TracedColumn) and not (key is None and part.name is None):
            found = {part.name if key is None else key: part}
        else:
            raise Untraceable("pd.concat of unnamed columns", 'Name them: column.rename("name").')
        if found.keys() & columns.keys():
            raise Untraceable("pd.concat of columns of one name", "Rename one of them.")
        columns |= found
    return Frame(columns)


def cut(
    x: Any,
    bins: Any,
    right: bool = True,
    labels: Any = None,
    retbins: bool = False,
    precision: int = 3,
    include_lowest: bool = False,
    **options: Any,
) -> TracedColumn:
    """Return what `pandas.cut` would, with fixed bins."""
    if retbins or not np.iterable(bins):
        raise Untraceable("pd.cut into a number of bins", "Give the edges, learned in fit.")
    only("pd.cut", options, "ordered")
    found = choices.cut(x.value, list(bins), labels, right=right, include_lowest=include_lowest)
    return TracedColumn(found, x.name, is_array=x.is_array)


def to_numeric(arg: Any, **options: Any) -> Any:
    """Return what `pandas.to_numeric` would of numbers."""
    only("pd.to_numeric", options, "errors")
    if arg.value.dtype not in (*NUMBERS, "boolean"):
        raise Untraceable("pd.to_numeric of text", "Declare it a float in the schema.")
    return arg


def to_datetime(arg: Any, *, utc: bool = False, **options: Any) -> Any:
    """Return what `pandas.to_datetime` would of datetimes."""
    only("pd.to_datetime", options, "errors", "format")
    if not isinstance(arg, TracedColumn) or arg.value.dtype != "datetime":
        raise Untraceable("pd.to_datetime of text", "Declare it a datetime in the schema.")
    return arg.made(replace(arg.value, tz="UTC")) if utc else arg


PANDAS: dict[str, Callable[..., Any]] = {
    "DataFrame": dataframe,
    "Series": series,
    "concat": concat,
    "cut": cut,
    "to_numeric": to_numeric,
    "to_datetime": to_datetime,
    "isna": lambda obj: obj.isna(),
    "isnull": lambda obj: obj.isna(),
    "notna": lambda obj: obj.notna(),
    "notnull": lambda obj: obj.notna(),
}
