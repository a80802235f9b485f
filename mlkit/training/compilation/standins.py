"""Columns and frames that record what is done to them, in pandas' own words.

`transform` runs on these instead of data. They answer to the operations that
compile; any other stops the trace.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlkit.training.compilation import arithmetic, choices, functions, moments, texts
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import (
    NUMBERS,
    Value,
    cast,
    constant,
    is_scalar,
)

_ADVICE = {
    "apply": "Write it with numpy or pandas operations on whole columns.",
    "iterrows": "Write it with numpy or pandas operations on whole columns.",
    "itertuples": "Write it with numpy or pandas operations on whole columns.",
    "merge": "Learn a dict in fit, and look it up with .map(dict).",
    "join": "Use pd.concat([a, b], axis=1).",
    "astype": "Cast to int, float or bool.",
}
#: What looks at other rows: it must be learned in `fit`.
_OF_MANY_ROWS = (
    "sum mean median std var min max quantile mode nunique unique value_counts rank shift diff "
    "cumsum cumprod cummax cummin pct_change rolling expanding ewm groupby sort_values sample "
    "drop_duplicates duplicated ffill bfill interpolate describe corr cov any all count head tail "
    "iloc at iat idxmax idxmin nlargest nsmallest factorize resample"
).split()


def _advice(name: str) -> str:
    if name in _OF_MANY_ROWS:
        return "A feature comes from its own row: learn what needs other rows in fit."
    return _ADVICE.get(name, "Write it with operations that compile; the documentation lists them.")


def unwrapped(value: Any) -> Any:
    """Return a stand-in's value, and anything else as it is."""
    return value.value if isinstance(value, Column) else value


class _Standin:
    """What columns and frames have in common: what neither can do."""

    _kind = "a column"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise Untraceable(f".{name} of {self._kind}", _advice(name))

    def __bool__(self) -> NoReturn:
        raise Untraceable(
            f"a condition on {self._kind}",
            "Choose by value with np.where or .where; a trace sees no values.",
        )

    def __len__(self) -> NoReturn:
        raise Untraceable(f"len of {self._kind}", "A feature comes from its own row.")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Untraceable(f"{self._kind} as a plain array", "Use numpy's functions on it directly.")


class Index:
    """The index of every traced frame."""


class Column(_Standin):
    """A Series, or an array, that is being traced."""

    def __init__(self, value: Value, name: Any = None) -> None:
        self.value = value
        self.name = name

    @property
    def index(self) -> Index:
        """Its index, which stays what it is."""
        return Index()

    @property
    def values(self) -> "Column":
        """Itself: an array compiles as a column does."""
        return self

    def to_numpy(self, dtype: Any = None, **options: Any) -> "Column":
        """Return itself, cast."""
        return self if dtype is None else self.astype(dtype)

    @property
    def dt(self) -> "Moments":
        """Parts of datetimes and of spans of time."""
        return Moments(self.value)

    @property
    def str(self) -> "Texts":
        """Operations on text."""
        return Texts(self.value)

    def copy(self, deep: bool = True) -> "Column":
        """Return itself."""
        return self

    def rename(self, name: Any = None, **options: Any) -> "Column":
        """Return itself by another name."""
        return Column(self.value, name)

    def reset_index(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Stop: the index must stay."""
        raise Untraceable("reset_index", "Features keep the index of the frame.")

    # Values that are missing, or not.

    def fillna(self, value: Any) -> "Column":
        """See `pandas.Series.fillna`."""
        return Column(choices.fillna(self.value, unwrapped(value)))

    def isna(self) -> "Column":
        """See `pandas.Series.isna`."""
        return Column(functions.isna(self.value))

    isnull = isna

    def notna(self) -> "Column":
        """See `pandas.Series.notna`."""
        return ~self.isna()

    notnull = notna

    def combine_first(self, other: "Column") -> "Column":
        """See `pandas.Series.combine_first`."""
        return self.fillna(other)

    # Numbers.

    def clip(self, lower: Any = None, upper: Any = None, **options: Any) -> "Column":
        """See `pandas.Series.clip`."""
        lower, upper = options.pop("min", lower), options.pop("max", upper)
        return Column(functions.clip(self.value, unwrapped(lower), unwrapped(upper)))

    def abs(self) -> "Column":
        """See `pandas.Series.abs`."""
        return Column(functions.absolute(self.value))

    def round(self, decimals: int = 0) -> "Column":
        """See `pandas.Series.round`."""
        return Column(functions.rounded(self.value, decimals))

    def astype(self, dtype: Any, **options: Any) -> "Column":
        """See `pandas.Series.astype`."""
        return Column(_as(self.value, dtype))

    def between(self, left: Any, right: Any, inclusive: str = "both") -> "Column":
        """See `pandas.Series.between`."""
        above = operator.ge if inclusive in ("both", "left") else operator.gt
        below = operator.le if inclusive in ("both", "right") else operator.lt
        return above(self, left) & below(self, right)

    # Choices.

    def isin(self, values: Any) -> "Column":
        """See `pandas.Series.isin`."""
        return Column(choices.isin(self.value, values))

    def map(self, arg: Any, na_action: Any = None) -> "Column":
        """See `pandas.Series.map`, of a dict or a Series."""
        return Column(choices.mapped(self.value, arg))

    def replace(self, to_replace: Any = None, value: Any = None, **options: Any) -> "Column":
        """See `pandas.Series.replace`, of literals."""
        if options:
            raise Untraceable(f"replace({next(iter(options))}=…)", "Replace literal values.")
        if not isinstance(to_replace, dict):
            olds = to_replace if isinstance(to_replace, (list, tuple)) else [to_replace]
            news = value if isinstance(value, (list, tuple)) else [value] * len(olds)
            to_replace = dict(zip(olds, news, strict=True))
        return Column(choices.replaced(self.value, to_replace))

    def where(self, cond: "Column", other: Any = np.nan) -> "Column":
        """See `pandas.Series.where`."""
        return self._chosen(cond, other, inverted=False)

    def mask(self, cond: "Column", other: Any = np.nan) -> "Column":
        """See `pandas.Series.mask`."""
        return self._chosen(cond, other, inverted=True)

    def _chosen(self, cond: Any, other: Any, *, inverted: bool) -> "Column":
        flag, other = _condition(cond), unwrapped(other)
        return Column(choices.keep(self.value, flag, other, inverted=inverted))

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """See `pandas.Series.pipe`."""
        return function(self, *args, **kwargs)

    # What numpy calls.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Column":
        compiled = functions.UFUNCS.get(ufunc.__name__)
        if method != "__call__" or options or compiled is None:
            how = f".{method}" if method != "__call__" else "".join(f" with {o}=" for o in options)
            raise Untraceable(f"np.{ufunc.__name__}{how}", _advice(ufunc.__name__))
        return Column(compiled(*map(unwrapped, inputs)))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        compiled = NUMPY.get(func.__name__)
        if compiled is None:
            raise Untraceable(f"np.{func.__name__}", _advice(func.__name__))
        return compiled(*args, **kwargs)

    def __iter__(self) -> NoReturn:
        raise Untraceable("a loop over the values of a column", _ADVICE["apply"])

    def __getitem__(self, key: Any) -> NoReturn:
        raise Untraceable("choosing rows", "Keep every row; mark values with .where or np.where.")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise Untraceable("assigning to rows", "Use .where, .mask or np.where.")

    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> "Column":
        return Column(arithmetic.negative(self.value))

    def __pos__(self) -> "Column":
        return self

    def __abs__(self) -> "Column":
        return self.abs()

    def __invert__(self) -> "Column":
        return Column(arithmetic.invert(self.value))


def _binary(name: str, *, reflected: bool = False) -> Callable[[Column, Any], Column]:
    def operation(self: Column, other: Any, **options: Any) -> Column:
        if isinstance(other, Frame) or (options.pop("axis", 0) not in (0, "index")) or options:
            return NotImplemented
        sides = (unwrapped(other), self.value) if reflected else (self.value, unwrapped(other))
        return Column(arithmetic.binary(name, *sides))

    return operation


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    setattr(Column, f"__{_name}__", _binary(_name))
    setattr(Column, f"__r{_name}__", _binary(_name, reflected=True))
    if _name not in ("and", "or", "xor"):
        setattr(Column, _name, _binary(_name))
        setattr(Column, f"r{_name}", _binary(_name, reflected=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Column, f"__{_name}__", _binary(_name))
    setattr(Column, _name, _binary(_name))
for _alias, _name in (
    ("div", "truediv"),
    ("multiply", "mul"),
    ("subtract", "sub"),
    ("divide", "truediv"),
):
    setattr(Column, _alias, _binary(_name))


def _condition(cond: Any) -> Value:
    if callable(cond) or not isinstance(cond, Column):
        raise Untraceable("a condition that is no column", "Compare a column with something.")
    return cond.value


def _as(value: Value, dtype: Any) -> Value:
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if dtype in (int, float, bool, str, object):
        name = {int: "int64", float: "float64", bool: "bool", str: "str"}.get(dtype, "object")
    name = {"int": "int64", "float": "float64", "string": "str", "object": "object"}.get(name, name)
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        name = np.dtype(dtype).name
    if value.dtype == name or (value.dtype == "str" and name in ("category", "object", "str")):
        if name == "str" and value.can_miss and texts.STRING != "str":
            raise Untraceable("astype(str) of missing text", "Fill it first: .fillna('').")
        return value
    if name == "category" or name == "object":
        return value
    if (
        name in ("int64", "int32")
        and value.dtype in ("float64", "float32", "boolean")
        and value.can_miss
    ):
        raise Untraceable(
            f"astype({name}) of numbers that may be missing",
            "Fill them first: pandas cannot hold a missing whole number in it.",
        )
    if (
        name in ("bool", "float64", "float32")
        and value.dtype == "boolean"
        and value.can_miss
        and name == "bool"
    ):
        raise Untraceable("astype(bool) of booleans that may be missing", "Fill them first.")
    if name in (*NUMBERS, "boolean") and value.dtype in (*NUMBERS, "boolean"):
        return cast(value, name)
    if name == "int64" and value.dtype in ("datetime", "timedelta") and not value.can_miss:
        return Value(dtype="int64", var=value.var)
    raise Untraceable(f"astype({name}) of {value.dtype}", _ADVICE["astype"])


class Moments(_Standin):
    """`Series.dt`."""

    _kind = "datetimes"

    def __init__(self, value: Value) -> None:
        if value.dtype not in ("datetime", "timedelta"):
            raise AttributeError("Can only use .dt accessor with datetimelike values")
        self._value = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return Column(moments.part(self._value, name))

    def total_seconds(self) -> Column:
        """See `pandas.Series.dt.total_seconds`."""
        return Column(moments.total_seconds(self._value))

    def floor(self, freq: str) -> Column:
        """See `pandas.Series.dt.floor`."""
        return Column(moments.floor(self._value, freq))

    def normalize(self) -> Column:
        """See `pandas.Series.dt.normalize`."""
        return Column(moments.floor(self._value, "D"))

    def tz_localize(self, tz: None) -> Column:
        """See `pandas.Series.dt.tz_localize`, to no zone."""
        if tz is not None:
            raise Untraceable("tz_localize to a zone", "Say the zone in the schema: column(tz=…).")
        return Column(moments.wall_clock(self._value))

    def tz_convert(self, tz: Any) -> Column:
        """See `pandas.Series.dt.tz_convert`."""
        if self._value.tz is None or not isinstance(tz, str):
            raise Untraceable("tz_convert", "Convert datetimes with a zone to the name of another.")
        value = self._value
        return Column(Value(dtype="datetime", var=value.var, can_miss=value.can_miss, tz=tz))


class Texts(_Standin):
    """`Series.str`."""

    _kind = "text"

    def __init__(self, value: Value) -> None:
        if value.dtype != "str":
            raise AttributeError("Can only use .str accessor with string values")
        self._value = value

    def lower(self) -> Column:
        """See `pandas.Series.str.lower`."""
        return Column(texts.cased(self._value, "lower"))

    def upper(self) -> Column:
        """See `pandas.Series.str.upper`."""
        return Column(texts.cased(self._value, "upper"))

    def len(self) -> Column:
        """See `pandas.Series.str.len`."""
        return Column(texts.length(self._value))

    def strip(self, to_strip: Any = None) -> Column:
        """See `pandas.Series.str.strip`."""
        return Column(texts.stripped(self._value, "strip", to_strip))

    def lstrip(self, to_strip: Any = None) -> Column:
        """See `pandas.Series.str.lstrip`."""
        return Column(texts.stripped(self._value, "lstrip", to_strip))

    def rstrip(self, to_strip: Any = None) -> Column:
        """See `pandas.Series.str.rstrip`."""
        return Column(texts.stripped(self._value, "rstrip", to_strip))

    def startswith(self, pat: Any, na: Any = None) -> Column:
        """See `pandas.Series.str.startswith`."""
        return Column(texts.startswith(self._value, pat, na))

    def endswith(self, pat: Any, na: Any = None) -> Column:
        """See `pandas.Series.str.endswith`."""
        return Column(texts.endswith(self._value, pat, na))

    def contains(
        self, pat: str, case: bool = True, flags: int = 0, na: Any = None, regex: bool = True
    ) -> Column:
        """See `pandas.Series.str.contains`, of a literal."""
        if flags or not case:
            raise Untraceable(".str.contains that ignores case", "Take .str.lower() first.")
        return Column(texts.contains(self._value, pat, na, regex=regex))

    def slice(self, start: Any = None, stop: Any = None, step: Any = None) -> Column:
        """See `pandas.Series.str.slice`."""
        return Column(texts.sliced(self._value, start, stop, step))

    def get(self, i: int) -> Column:
        """See `pandas.Series.str.get`."""
        return Column(texts.character(self._value, i))

    def __getitem__(self, key: Any) -> Column:
        if isinstance(key, int):
            return self.get(key)
        return self.slice(key.start, key.stop, key.step)

    def replace(
        self, pat: Any, repl: Any = None, n: int = -1, case: Any = None, flags: int = 0,
        regex: bool = False,
    ) -> Column:  # fmt: skip
        """See `pandas.Series.str.replace`, of a literal."""
        if regex or n != -1 or case is not None or flags:
            raise Untraceable(".str.replace of a pattern", "Replace a literal: regex=False.")
        return Column(texts.replaced(self._value, pat, repl))


class Frame(_Standin):
    """A DataFrame that is being traced; its columns change in place as pandas' do."""

    _kind = "a frame"

    def __init__(self, columns: Mapping[Any, Any]) -> None:
        self._columns = {name: as_column(column) for name, column in columns.items()}

    @property
    def columns(self) -> list[Any]:
        """The names of its columns."""
        return list(self._columns)

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
        if not name.startswith("_") and name in self._columns:
            return self[name]
        return super().__getattr__(name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns)

    def __contains__(self, name: Any) -> bool:
        return name in self._columns

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Column):
            raise Untraceable("choosing rows", "Keep every row; mark values with .where.")
        if isinstance(key, (list, pd.Index)):
            return Frame({name: self._columns[name] for name in key})
        return self._columns[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, list):
            columns = value._columns.values() if isinstance(value, Frame) else [value] * len(key)
            self._columns.update(zip(key, map(as_column, columns), strict=True))
            return
        self._columns[key] = as_column(value)

    def get(self, key: Any, default: Any = None) -> Any:
        """See `pandas.DataFrame.get`."""
        return self._columns.get(key, default)

    def items(self) -> Iterator[tuple[Any, Column]]:
        """See `pandas.DataFrame.items`."""
        return iter(list(self._columns.items()))

    def pop(self, item: Any) -> Column:
        """See `pandas.DataFrame.pop`."""
        return self._columns.pop(item)

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
        if columns is None and axis not in (1, "columns"):
            raise Untraceable("drop of rows", "Keep every row.")
        dropped = labels if columns is None else columns
        dropped = [dropped] if isinstance(dropped, str) else list(dropped)
        absent = [name for name in dropped if name not in self._columns]
        if absent and options.get("errors") != "ignore":
            raise KeyError(f"{absent} not found in axis")
        return Frame({n: c for n, c in self._columns.items() if n not in dropped})

    def rename(
        self, mapper: Any = None, columns: Any = None, axis: Any = 0, **options: Any
    ) -> "Frame":
        """See `pandas.DataFrame.rename`, of columns."""
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
        return self[list(columns)]

    def join(self, other: "Frame", **options: Any) -> "Frame":
        """See `pandas.DataFrame.join`, of a frame of the same rows."""
        if not isinstance(other, (Frame, Column)) or options:
            raise Untraceable(".join with another table", _ADVICE["merge"])
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
        if isinstance(dtype, dict):
            return self._each(lambda n, c: c.astype(dtype[n]) if n in dtype else c)
        return self._each(lambda n, c: c.astype(dtype))

    def isna(self) -> "Frame":
        """See `pandas.DataFrame.isna`."""
        return self._each(lambda n, c: c.isna())

    isnull = isna

    def notna(self) -> "Frame":
        """See `pandas.DataFrame.notna`."""
        return self._each(lambda n, c: c.notna())

    def clip(self, lower: Any = None, upper: Any = None) -> "Frame":
        """See `pandas.DataFrame.clip`."""
        return self._each(lambda n, c: c.clip(lower, upper))

    def round(self, decimals: int = 0) -> "Frame":
        """See `pandas.DataFrame.round`."""
        return self._each(lambda n, c: c.round(decimals))

    def abs(self) -> "Frame":
        """See `pandas.DataFrame.abs`."""
        return self._each(lambda n, c: c.abs())

    def _each(self, function: Callable[[Any, Column], Column]) -> "Frame":
        return Frame({name: function(name, column) for name, column in self._columns.items()})

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Frame":
        if method != "__call__" or len(inputs) != 1 or options:
            raise Untraceable(f"np.{ufunc.__name__} of a frame", "Use it on columns.")
        return self._each(lambda n, c: ufunc(c))


class _Loc:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple) and key[0] == slice(None):
            return self._frame[key[1]]
        raise Untraceable("choosing rows", "Keep every row; mark values with .where.")

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, tuple) and isinstance(key[0], slice) and key[0] == slice(None):
            self._frame[key[1]] = value
            return
        raise Untraceable("assigning to rows", "Use .where, .mask or np.where.")


def as_column(value: Any) -> Column:
    """Return what a frame holds under a name: a column, or a value for every row."""
    if isinstance(value, Column):
        return value
    if is_scalar(value):
        return Column(constant(value))
    raise Untraceable(
        f"a column from a {type(value).__name__}", "Make it of columns, or of one value."
    )


def dataframe(data: Any = None, index: Any = None, columns: Any = None, **options: Any) -> Frame:
    """Return what `pandas.DataFrame` would of traced columns."""
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
    data: Any = None, index: Any = None, dtype: Any = None, name: Any = None, **_: Any
) -> Column:
    """Return what `pandas.Series` would of a traced column."""
    column = Column(as_column(data).value, name)
    return column if dtype is None else column.astype(dtype)


def concat(objs: Any, axis: Any = 0, **options: Any) -> Frame:
    """Return what `pandas.concat` would of frames side by side."""
    if axis not in (1, "columns"):
        raise Untraceable("pd.concat of rows", "Put frames side by side: axis=1.")
    parts = objs.items() if isinstance(objs, Mapping) else [(None, part) for part in objs]
    columns: dict[Any, Column] = {}
    for key, part in parts:
        if isinstance(part, Frame):
            columns.update(part.items())
        else:
            columns[part.name if key is None else key] = part
    return Frame(columns)


def cut(x: Any, bins: Any, right: bool = True, labels: Any = None, retbins: bool = False,
        precision: int = 3, include_lowest: bool = False, **options: Any) -> Column:  # fmt: skip
    """Return what `pandas.cut` would, with fixed bins."""
    if retbins or not np.iterable(bins):
        raise Untraceable("pd.cut into a number of bins", "Give the edges, learned in fit.")
    found = choices.cut(x.value, bins, labels, right=right, include_lowest=include_lowest)
    return Column(found)


def to_numeric(arg: Any, **options: Any) -> Column:
    """Return what `pandas.to_numeric` would of numbers."""
    if arg.value.dtype not in (*NUMBERS, "boolean"):
        raise Untraceable("pd.to_numeric of text", "Declare it a float in the schema.")
    return arg


def to_datetime(arg: Any, **options: Any) -> Column:
    """Return what `pandas.to_datetime` would of datetimes."""
    if arg.value.dtype != "datetime":
        raise Untraceable("pd.to_datetime of text", "Declare it a datetime in the schema.")
    return arg


def _where(condition: Any, x: Any = None, y: Any = None) -> Column:
    if x is None or y is None:
        raise Untraceable("np.where with one argument", "Give both choices.")
    return Column(choices.select(_condition(condition), unwrapped(x), unwrapped(y)))


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Column:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(condition, choice, result)
    return result


def _filled_like(a: Column, fill: Any = 0, dtype: Any = None, **_: Any) -> Column:
    column = _where(a.isna(), fill, fill)
    return column.astype(dtype or a.value.dtype)


#: numpy's functions that are no ufuncs.
NUMPY: dict[str, Callable[..., Any]] = {
    "where": _where,
    "select": _select,
    "clip": lambda a, *args, **kwargs: a.clip(*args, **kwargs),
    "round": lambda a, decimals=0: a.round(decimals),
    "around": lambda a, decimals=0: a.round(decimals),
    "isin": lambda element, test_elements: element.isin(test_elements),
    "nan_to_num": lambda x, copy=True, nan=0.0: x.fillna(nan),
    "zeros_like": lambda a, dtype=None: _filled_like(a, 0, dtype),
    "ones_like": lambda a, dtype=None: _filled_like(a, 1, dtype),
    "full_like": lambda a, fill_value, dtype=None: _filled_like(a, fill_value, dtype),
}
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
