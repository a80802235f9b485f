"""What pandas and numpy compute with two columns, or a column and a value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.core.rows import NO_INTEGER
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    TIMES,
    Value,
    any_of,
    cast,
    const,
    is_missing,
    lifted,
    missing_or_none,
    promoted,
    where,
)


def binary(name: str, left: Any, right: Any) -> Value:
    """Return what Python's operator of that name gives; one side may be a scalar."""
    if not isinstance(left, Value):
        return _OPERATIONS[name](name, lifted(left, right), right)
    return _OPERATIONS[name](name, left, lifted(right, left))


def negative(value: Value) -> Value:
    """Return `-value`."""
    if value.dtype not in (*FLOATS, *INTEGERS, "timedelta"):
        raise Untraceable(f"- of {value.dtype}", "Cast to a number first.")
    return value.of_same_kind(op.neg(value.var))


def invert(value: Value) -> Value:
    """Return `~value`."""
    if value.dtype not in ("bool", "boolean"):
        raise Untraceable(f"~ of {value.dtype}", "Compare first: ~ is for booleans.")
    var = op.not_(value.var)
    if value.missing is not None:
        var = op.and_(var, op.not_(value.missing))
    return Value(dtype=value.dtype, var=var, can_miss=value.can_miss, missing=value.missing)


def _arithmetic(name: str, left: Value, right: Value) -> Value:
    if left.dtype in TIMES or right.dtype in TIMES:
        return _times(name, left, right)
    if left.dtype == right.dtype == "str" and name == "add":
        return _concatenated(left, right)
    _check_numbers(name, left, right)
    if left.dtype == right.dtype == "bool" and name in ("add", "sub", "mul"):
        if name == "sub":
            raise Untraceable("- of booleans", "numpy refuses it too: cast to int first.")
        return Value(dtype="bool", var=(op.or_ if name == "add" else op.and_)(left.var, right.var))
    sides = (left, right)
    left, right = promoted(left, right)
    if name == "truediv" and left.dtype not in FLOATS:
        left, right = cast(left, "float64"), cast(right, "float64")
    var = {"add": op.add, "sub": op.sub, "mul": op.mul, "truediv": op.div}[name](
        left.var, right.var
    )
    if left.dtype not in FLOATS:
        return Value(dtype=left.dtype, var=var)
    by_data, by_overflow = _missing_of(name, *sides)
    can_miss = by_data or by_overflow
    return Value(dtype=left.dtype, var=var, can_miss=can_miss, overflows=can_miss and not by_data)


def _missing_of(name: str, left: Value, right: Value) -> tuple[bool, bool]:
    """Return whether a float of two may be missing by what they are, and by overflow."""
    sides = (left, right)
    by_data = any(side.can_miss and not side.overflows for side in sides)
    by_overflow = any(side.overflows for side in sides)
    factors = (right,) if name == "truediv" else sides
    is_factor = any(side.is_finite and side.scalar for side in factors)
    if name == "truediv":
        return by_data or not is_factor, by_overflow
    if name == "mul":
        return by_data, by_overflow or not (is_factor or all(side.is_finite for side in sides))
    return by_data, by_overflow or not any(side.is_finite for side in sides)


def _check_numbers(name: str, *values: Value) -> None:
    odd = [value.dtype for value in values if value.dtype not in NUMBERS]
    if odd:
        raise Untraceable(
            f"{_SIGNS.get(name, name)} with {odd[0]}",
            "Fill what is missing and cast to a number first."
            if odd[0] == "boolean"
            else "Turn it into a number first.",
        )


def _concatenated(left: Value, right: Value) -> Value:
    joined = Value(dtype="str", var=op.string_concat(left.var, right.var))
    missing = any_of(missing_or_none(left), missing_or_none(right))
    if missing is None:
        return joined
    return where(missing, lifted(None, joined), joined)


def _floordiv(name: str, left: Value, right: Value) -> Value:
    """Divide and round down as numpy's npy_divmod does, so that x == x // y * y + x % y."""
    if left.dtype in TIMES:
        return _times(name, left, right)
    _check_numbers(name, left, right)
    left, right = promoted(left, right, at_least="int64" if left.dtype == "bool" else None)
    if left.dtype in INTEGERS:
        return _whole_floordiv(name, left, right)
    zero, one = const(0, left.dtype), const(1, left.dtype)
    rest = op.mod(left.var, right.var, fmod=1)
    is_off = op.and_(
        op.not_(op.equal(rest, zero)),
        op.xor(op.less(right.var, zero), op.less(rest, zero)),
    )
    if name == "mod":
        return Value(
            dtype=left.dtype,
            var=op.where(is_off, op.add(rest, right.var), rest),
            can_miss=True,
        )
    quotient = op.div(op.sub(left.var, rest), right.var)
    quotient = op.where(is_off, op.sub(quotient, one), quotient)
    floor = op.floor(quotient)
    half = const(0.5, left.dtype)
    floor = op.where(op.greater(op.sub(quotient, floor), half), op.add(floor, one), floor)
    # Division by zero is what plain division gives: inf, -inf or NaN.
    result = op.where(op.equal(right.var, zero), op.div(left.var, right.var), floor)
    return Value(dtype=left.dtype, var=result, can_miss=True)


def _whole_floordiv(name: str, left: Value, right: Value) -> Value:
    zero, one, back = (const(number, left.dtype) for number in (0, 1, -1))
    is_zero, is_back = op.equal(right.var, zero), op.equal(right.var, back)
    # By zero, and the least whole number by -1, ONNX Runtime's division ends the process.
    is_safe = right.scalar not in (None, 0, -1)
    divisor = right.var if is_safe else op.where(op.or_(is_zero, is_back), one, right.var)
    # pandas gives inf where it divides a whole number by zero, and so a float.
    x, y = cast(left, "float64"), cast(right, "float64")
    if name == "mod":
        whole, undefined = op.mod(left.var, divisor), const(np.nan)
    else:
        whole, undefined = _rounded_down(left, divisor, right), op.div(x.var, y.var)
        whole = whole if is_safe else op.where(is_back, op.neg(left.var), whole)
    exact = Value(dtype=left.dtype, var=whole)
    if right.scalar:
        return exact
    result = op.where(is_zero, undefined, cast(exact, "float64").var)
    return Value(dtype="float64", var=result, can_miss=True)


def _rounded_down(left: Value, divisor: Var, right: Value) -> Var:
    """Return the quotient of whole numbers, which ONNX cuts off, rounded down."""
    quotient = op.div(left.var, divisor)
    back = op.mul(quotient, divisor)
    if right.scalar:
        is_off = op.greater(back, left.var) if right.scalar > 0 else op.less(back, left.var)
    else:
        is_negative = op.less(divisor, const(0, left.dtype))
        is_off = op.and_(
            op.not_(op.equal(back, left.var)),
            op.xor(is_negative, op.less(left.var, const(0, left.dtype))),
        )
    return op.sub(quotient, op.cast(is_off, to=np.dtype(left.dtype)))


def _power(name: str, left: Value, right: Value) -> Value:
    _check_numbers(name, left, right)
    power = right.scalar
    left, right = promoted(left, right, at_least="int64" if left.dtype == "bool" else None)
    if left.dtype in INTEGERS:
        if power is None or power not in range(17):
            raise Untraceable("a power of whole numbers", "Cast to float first.")
        var = const(1, left.dtype)
        for _ in range(int(power)):
            var = op.mul(var, left.var)
        return Value(dtype=left.dtype, var=var)
    can_miss = left.dtype in FLOATS
    # numpy's short ways, which give other last bits than pow does.
    if power == 2:
        return Value(dtype=left.dtype, var=op.mul(left.var, left.var), can_miss=left.can_miss)
    if power == 0.5:
        return Value(dtype=left.dtype, var=op.sqrt(left.var), can_miss=can_miss)
    return Value(dtype=left.dtype, var=op.pow(left.var, right.var), can_miss=can_miss)


def _equality(name: str, left: Value, right: Value) -> Value:
    if "boolean" in (left.dtype, right.dtype) and {left.dtype, right.dtype} <= {"bool", "boolean"}:
        missing = any_of(missing_or_none(left), missing_or_none(right))
        same = op.equal(left.var, right.var)
        same = op.not_(same) if name == "ne" else same
        if missing is None:
            return Value(dtype="boolean", var=same)
        known = op.and_(same, op.not_(missing))
        return Value(dtype="boolean", var=known, can_miss=True, missing=missing)
    if left.dtype == right.dtype and left.dtype in ("str", *TIMES):
        _check_zones(left, right)
        same = op.equal(left.var, right.var)
        if left.can_miss and right.can_miss:
            same = op.and_(same, op.not_(is_missing(left)))
    else:
        _check_numbers(name, left, right)
        left, right = _compared(left, right)
        same = op.equal(left.var, right.var)
    return Value(dtype="bool", var=op.not_(same) if name == "ne" else same)


def _order(name: str, left: Value, right: Value) -> Value:
    onnx: Callable[..., Var] = {
        "lt": op.less,
        "le": op.less_or_equal,
        "gt": op.greater,
        "ge": op.greater_or_equal,
    }[name]
    if left.dtype == right.dtype and left.dtype in TIMES:
        _check_zones(left, right)
        missing = any_of(missing_or_none(left), missing_or_none(right))
        holds = onnx(left.var, right.var)
        return Value(
            dtype="bool", var=holds if missing is None else op.and_(holds, op.not_(missing))
        )
    _check_numbers(name, left, right)
    left, right = _compared(left, right)
    if left.dtype == "bool":
        left, right = cast(left, "int32"), cast(right, "int32")
    return Value(dtype="bool", var=onnx(left.var, right.var))


def _compared(left: Value, right: Value) -> tuple[Value, Value]:
    """Return numbers as they are compared: whole ones wide where one is so already."""
    is_wide = left.wide is not None or right.wide is not None
    return promoted(left, right, at_least="int64" if is_wide else None)


def _check_zones(left: Value, right: Value) -> None:
    if (left.tz is None) != (right.tz is None):
        raise Untraceable(
            "a time zone beside none", "pandas refuses it too: give both a zone, or neither."
        )


def _logic(name: str, left: Value, right: Value) -> Value:
    for value in (left, right):
        if value.dtype not in ("bool", "boolean"):
            raise Untraceable(f"{_SIGNS[name]} of {value.dtype}", "Compare first.")
    onnx = {"and": op.and_, "or": op.or_, "xor": op.xor}[name]
    var = onnx(left.var, right.var)
    dtype = "boolean" if "boolean" in (left.dtype, right.dtype) else "bool"
    if left.missing is None and right.missing is None:
        return Value(dtype=dtype, var=var)
    # Kleene's three values: what is known of one side may decide.
    missing = op.or_(is_missing(left), is_missing(right))
    if name == "and":
        false = op.or_(_known_false(left), _known_false(right))
        missing = op.and_(missing, op.not_(false))
    elif name == "or":
        missing = op.and_(missing, op.not_(var))
    else:
        var = op.and_(var, op.not_(missing))
    return Value(dtype="boolean", var=var, can_miss=True, missing=missing)


def _known_false(value: Value) -> Var:
    if value.missing is None:
        return op.not_(value.var)
    return op.not_(op.or_(value.var, value.missing))


def _times(name: str, left: Value, right: Value) -> Value:
    """Compute with datetimes and spans of time."""
    kinds = (left.dtype, right.dtype)
    missing = any_of(missing_or_none(left), missing_or_none(right))
    if (name, *kinds) in _TIME_RESULTS:
        if kinds == ("datetime", "datetime"):
            _check_zones(left, right)
        dtype = _TIME_RESULTS[name, *kinds]
        var = (op.add if name == "add" else op.sub)(left.var, right.var)
        tz = left.tz or right.tz if dtype == "datetime" else None
    elif name == "mul" and "timedelta" in kinds and set(kinds) & {*INTEGERS, "bool"}:
        dtype, tz = "timedelta", None
        factors = [v if v.dtype == "timedelta" else cast(v, "int64") for v in (left, right)]
        var = op.mul(factors[0].var, factors[1].var)
    elif name == "truediv" and kinds == ("timedelta", "timedelta"):
        shares = [op.cast(value.var, to=np.float64) for value in (left, right)]
        share = op.div(*shares)
        if missing is not None:
            share = op.where(missing, const(np.nan), share)
        return Value(dtype="float64", var=share, can_miss=True)
    elif name in ("floordiv", "mod") and kinds == ("timedelta", "timedelta"):
        return _whole_spans(name, left, right, missing)
    else:
        raise Untraceable(
            f"{kinds[0]} {_SIGNS.get(name, name)} {kinds[1]}",
            "Divide by a span first, as in (a - b) / pd.Timedelta(hours=1).",
        )
    result = Value(dtype=dtype, var=var, tz=tz)
    if missing is None:
        return result
    gone = Value(dtype=dtype, var=const(NO_INTEGER, "int64"), can_miss=True, tz=tz)
    return where(missing, gone, result)


def _whole_spans(name: str, left: Value, right: Value, missing: Var | None) -> Value:
    if right.scalar in (None, 0, -1):
        raise Untraceable(
            "a span divided by a column, by 0 or by -1 µs", "Divide with / and round down."
        )
    rest = op.mod(left.var, right.var)
    if name == "mod":
        dtype, var = "timedelta", rest
        gone = Value(dtype=dtype, var=const(NO_INTEGER, "int64"), can_miss=True)
    else:
        dtype, var = "int64", op.div(op.sub(left.var, rest), right.var)
        gone = Value(dtype="float64", var=const(np.nan), can_miss=True)
    result = Value(dtype=dtype, var=var)
    return result if missing is None else where(missing, gone, cast(result, gone.dtype))


_TIME_RESULTS = {
    ("sub", "datetime", "datetime"): "timedelta",
    ("sub", "datetime", "timedelta"): "datetime",
    ("add", "datetime", "timedelta"): "datetime",
    ("add", "timedelta", "datetime"): "datetime",
    ("add", "timedelta", "timedelta"): "timedelta",
    ("sub", "timedelta", "timedelta"): "timedelta",
}
_SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "and": "&", "or": "|", "xor": "^",
}  # fmt: skip
_OPERATIONS: dict[str, Callable[[str, Value, Value], Value]] = {
    **dict.fromkeys(("add", "sub", "mul", "truediv"), _arithmetic),
    **dict.fromkeys(("floordiv", "mod"), _floordiv),
    "pow": _power,
    **dict.fromkeys(("eq", "ne"), _equality),
    **dict.fromkeys(("lt", "le", "gt", "ge"), _order),
    **dict.fromkeys(("and", "or", "xor"), _logic),
}
