"""Columns that record what is done to them, in pandas' own words.

They answer to the operations that compile; any other stops the trace.
"""

import operator
from collections.abc import Callable
from functools import partial
from numbers import Number
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlkit.training.compilation import arithmetic, choices, functions
from mlkit.training.compilation.accessors import Moments, Texts
from mlkit.training.compilation.casts import as_dtype
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.standins import ADVICE, Index, Standin, Traced, advice, only
from mlkit.training.compilation.values import FLOATS, Value, is_scalar


def unwrapped(value: Any) -> Any:
    """Return a stand-in's value, and anything else as it is."""
    return value.value if isinstance(value, TracedColumn) else value


class TracedColumn(Traced):
    """A Series, or an array, that is being traced."""

    @property
    def index(self) -> Index:
        """Its index, which stays what it is."""
        return Index()

    @property
    def values(self) -> "TracedColumn":
        """Itself, as an array."""
        return self.to_numpy()

    def to_numpy(self, dtype: Any = None, **options: Any) -> "TracedColumn":
        """Return itself as an array, cast."""
        only(".to_numpy", options, "copy")
        column = self if dtype is None else self.astype(dtype)
        if column.value.dtype == "boolean" and column.value.can_miss:
            raise Untraceable(
                "an array of booleans that may be missing", "Fill them first: .fillna(False)."
            )
        return TracedColumn(column.value, is_array=True)

    @property
    def dt(self) -> "Moments":
        """Parts of datetimes and of spans of time."""
        return Moments(self)

    @property
    def str(self) -> "Texts":
        """Operations on text."""
        return Texts(self)

    def copy(self, deep: bool = True) -> "TracedColumn":
        """Return itself."""
        return self

    def rename(self, name: Any = None, **options: Any) -> "TracedColumn":
        """Return itself by another name."""
        only(".rename", options, "copy")
        return TracedColumn(self.value, name, is_array=self.is_array)

    def reset_index(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Stop: the index must stay."""
        raise Untraceable("reset_index", "Features keep the index of the frame.")

    # Values that are missing, or not.

    def fillna(self, value: Any) -> "TracedColumn":
        """See `pandas.Series.fillna`."""
        return self.made(choices.fillna(self.value, unwrapped(value)))

    def isna(self) -> "TracedColumn":
        """See `pandas.Series.isna`."""
        return self.made(functions.isna(self.value))

    isnull = isna

    def notna(self) -> "TracedColumn":
        """See `pandas.Series.notna`."""
        return ~self.isna()

    notnull = notna

    def combine_first(self, other: "TracedColumn") -> "TracedColumn":
        """See `pandas.Series.combine_first`."""
        return self.fillna(other)

    # Numbers.

    def clip(self, lower: Any = None, upper: Any = None, **options: Any) -> "TracedColumn":
        """See `pandas.Series.clip`."""
        lower, upper = options.pop("min", lower), options.pop("max", upper)
        only(".clip", options, "axis")
        if self.is_array and isinstance(lower, TracedColumn) | isinstance(upper, TracedColumn):
            raise Untraceable("np.clip of an array by a column", "Use np.maximum and np.minimum.")
        are_numbers = all(isinstance(bound, Number) for bound in (lower, upper))
        if are_numbers and not self.is_array and lower > upper:
            # pandas swaps bounds that are in the wrong order.
            lower, upper = upper, lower
        return self.made(functions.clip(self.value, unwrapped(lower), unwrapped(upper)))

    def abs(self) -> "TracedColumn":
        """See `pandas.Series.abs`."""
        return self.made(functions.absolute(self.value))

    def round(self, decimals: int = 0) -> "TracedColumn":
        """See `pandas.Series.round`."""
        return self.made(functions.rounded(self.value, decimals))

    def astype(self, dtype: Any, **options: Any) -> "TracedColumn":
        """See `pandas.Series.astype`."""
        only(".astype", options, "copy")
        return self.made(as_dtype(self.value, dtype))

    def between(self, left: Any, right: Any, inclusive: Any = "both") -> "TracedColumn":
        """See `pandas.Series.between`."""
        above = operator.ge if inclusive in ("both", "left") else operator.gt
        below = operator.le if inclusive in ("both", "right") else operator.lt
        is_within: TracedColumn = above(self, left) & below(self, right)
        return is_within

    # Choices.

    def isin(self, values: Any) -> "TracedColumn":
        """See `pandas.Series.isin`."""
        return self.made(choices.isin(self.value, values))

    def map(self, arg: Any, na_action: Any = None) -> "TracedColumn":
        """See `pandas.Series.map`, of a dict or a Series."""
        if na_action is not None:
            raise Untraceable("map(na_action=…)", "Leave it out, and fill what is missing after.")
        return self.made(choices.mapped(self.value, arg))

    def replace(self, to_replace: Any = None, value: Any = None, **options: Any) -> "TracedColumn":
        """See `pandas.Series.replace`, of literals."""
        only(".replace", options)
        if not isinstance(to_replace, dict):
            olds = to_replace if isinstance(to_replace, (list, tuple)) else [to_replace]
            news = value if isinstance(value, (list, tuple)) else [value] * len(olds)
            to_replace = dict(zip(olds, news, strict=True))
        return self.made(choices.replaced(self.value, to_replace))

    def where(self, cond: "TracedColumn", other: Any = np.nan) -> "TracedColumn":
        """See `pandas.Series.where`."""
        return self._chosen(cond, other, inverted=False)

    def mask(self, cond: "TracedColumn", other: Any = np.nan) -> "TracedColumn":
        """See `pandas.Series.mask`."""
        return self._chosen(cond, other, inverted=True)

    def _chosen(self, cond: Any, other: Any, *, inverted: bool) -> "TracedColumn":
        flag, other = _condition(cond), unwrapped(other)
        return self.made(choices.keep(self.value, flag, other, inverted=inverted))

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """See `pandas.Series.pipe`."""
        return function(self, *args, **kwargs)

    # What numpy calls.

    def __array_ufunc__(
        self, ufunc: Any, method: Any, *inputs: Any, **options: Any
    ) -> "TracedColumn":
        compiled = functions.UFUNCS.get(ufunc.__name__)
        if method != "__call__" or options or compiled is None:
            how = f".{method}" if method != "__call__" else "".join(f" with {o}=" for o in options)
            raise Untraceable(f"np.{ufunc.__name__}{how}", advice(ufunc.__name__))
        return _computed(ufunc.__name__, compiled, *inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        compiled = NUMPY.get(func.__name__)
        if compiled is None:
            raise Untraceable(f"np.{func.__name__}", advice(func.__name__))
        return compiled(*args, **kwargs)

    def __iter__(self) -> NoReturn:
        raise Untraceable("a loop over the values of a column", ADVICE["apply"])

    def __getitem__(self, key: Any) -> NoReturn:
        raise Untraceable("choosing rows", "Keep every row; mark values with .where or np.where.")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise Untraceable("assigning to rows", "Use .where, .mask or np.where.")

    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> "TracedColumn":
        return self.made(arithmetic.negative(self.value))

    def __pos__(self) -> "TracedColumn":
        return self

    def __abs__(self) -> "TracedColumn":
        return self.abs()

    def __round__(self, decimals: int = 0) -> "TracedColumn":
        return self.round(decimals)

    def __invert__(self) -> "TracedColumn":
        return self.made(arithmetic.invert(self.value))


def _computed(name: str, function: Callable[..., Value], *inputs: Any) -> TracedColumn:
    """Call a function of values; of arrays alone, an array comes of it."""
    series = [side for side in inputs if isinstance(side, TracedColumn) and not side.is_array]
    names = {column.name for column in series}
    name_of_all = names.pop() if len(names) == 1 else None
    is_array = not series
    found = function(*map(unwrapped, inputs))
    if is_array and name in _WITH_REST:
        # pandas gives inf or NaN where it divides a whole number by zero, numpy 0.
        is_safe = is_scalar(inputs[1]) and inputs[1] != 0
        if not is_safe and all(_is_whole(side) for side in inputs):
            raise Untraceable(
                "whole numbers of arrays divided with a rest",
                "Make a Series of one: pd.Series(…, index=frame.index).",
            )
    return TracedColumn(found, name_of_all, is_array=is_array)


_WITH_REST = ("floordiv", "mod", "floor_divide", "remainder")


def _is_whole(side: Any) -> bool:
    if isinstance(side, TracedColumn):
        return side.value.dtype not in FLOATS
    return not isinstance(side, (float, np.floating))


def _operator(name: str, *, reflected: bool = False) -> Callable[[TracedColumn, Any], Any]:
    function = partial(arithmetic.binary, name)

    def operation(self: TracedColumn, other: Any) -> Any:
        if isinstance(other, Standin) and not isinstance(other, TracedColumn):
            return NotImplemented
        return _computed(name, function, *((other, self) if reflected else (self, other)))

    return operation


def _method(name: str, *, reflected: bool = False) -> Callable[..., TracedColumn]:
    function = partial(arithmetic.binary, name)

    def method(self: TracedColumn, other: Any, **options: Any) -> TracedColumn:
        only(f".{name}", options, "axis")
        return _computed(name, function, *((other, self) if reflected else (self, other)))

    return method


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
_LOGIC = ("and", "or", "xor")
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_ALIASES = {"div": "truediv", "multiply": "mul", "subtract": "sub", "divide": "truediv"}
for _name in (*_ARITHMETIC, *_LOGIC, *_COMPARISONS):
    setattr(TracedColumn, f"__{_name}__", _operator(_name))
for _name in (*_ARITHMETIC, *_LOGIC):
    setattr(TracedColumn, f"__r{_name}__", _operator(_name, reflected=True))
for _name in (*_ARITHMETIC, *_COMPARISONS):
    setattr(TracedColumn, _name, _method(_name))
for _name in _ARITHMETIC:
    setattr(TracedColumn, f"r{_name}", _method(_name, reflected=True))
for _alias, _name in _ALIASES.items():
    setattr(TracedColumn, _alias, _method(_name))


def _condition(cond: Any) -> Value:
    if callable(cond) or not isinstance(cond, TracedColumn):
        raise Untraceable("a condition that is no column", "Compare a column with something.")
    return cond.value


def _where(condition: Any, x: Any = None, y: Any = None) -> TracedColumn:
    if x is None or y is None:
        raise Untraceable("np.where without two choices", "Give both; np.nan is a missing number.")
    found = choices.select(_condition(condition), unwrapped(x), unwrapped(y))
    return TracedColumn(found, is_array=True)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(condition, choice, result)
    return result


def _filled_like(a: TracedColumn, fill: Any = 0, dtype: Any = None) -> TracedColumn:
    return _where(a.isna(), fill, fill).astype(dtype or a.value.dtype)


def _nan_to_num(x: TracedColumn, copy: bool = True, nan: float = 0.0) -> TracedColumn:
    return TracedColumn(functions.nan_to_num(x.value, nan), is_array=True)


def _isin(element: TracedColumn, test_elements: Any) -> TracedColumn:
    # Unlike pandas, numpy finds no missing value among missing ones.
    items = [item for item in test_elements if isinstance(item, str) or not pd.isna(item)]
    return TracedColumn(choices.isin(element.value, items), is_array=True)


#: numpy's functions that are no ufuncs.
NUMPY: dict[str, Callable[..., Any]] = {
    "where": _where,
    "select": _select,
    "clip": lambda a, *args, **kwargs: a.clip(*args, **kwargs),
    "round": lambda a, decimals=0: a.round(decimals),
    "around": lambda a, decimals=0: a.round(decimals),
    "isin": _isin,
    "nan_to_num": _nan_to_num,
    "zeros_like": lambda a, dtype=None: _filled_like(a, 0, dtype),
    "ones_like": lambda a, dtype=None: _filled_like(a, 1, dtype),
    "full_like": lambda a, fill_value, dtype=None: _filled_like(a, fill_value, dtype),
}
