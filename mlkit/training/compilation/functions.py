"""numpy's functions of numbers, element by element."""

from collections.abc import Callable
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from mlkit.training.compilation.arithmetic import binary, invert, negative
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    Value,
    cast,
    const,
    is_missing,
    lifted,
    promoted,
    where,
)


def isna(value: Value) -> Value:
    """Return which values are missing."""
    return Value(dtype="bool", var=is_missing(value))


def absolute(value: Value) -> Value:
    """Return the distance from zero."""
    if value.dtype == "bool":
        return value
    if value.dtype not in (*NUMBERS, "timedelta"):
        raise Untraceable(f"abs of {value.dtype}", "Turn it into a number first.")
    return value.of_same_kind(op.abs(value.var))


def rounded(value: Value, decimals: int = 0) -> Value:
    """Round half to even, as numpy does; 10**decimals is multiplied in and divided out."""
    if value.dtype in (*INTEGERS, "bool") and decimals >= 0:
        return value
    if value.dtype not in FLOATS:
        raise Untraceable(f"round of {value.dtype}", "Cast to float first.")
    if decimals == 0:
        return value.of_same_kind(op.round(value.var))
    scale = const(10.0 ** abs(decimals), value.dtype)
    there, back = (op.mul, op.div) if decimals > 0 else (op.div, op.mul)
    return value.of_same_kind(back(op.round(there(value.var, scale)), scale))


def floating(name: str, value: Value) -> Value:
    """Return a function whose result is a float, called as numpy calls it."""
    if value.dtype == "bool" or (value.dtype == "float32" and name != "sqrt"):
        raise Untraceable(
            f"np.{name} of {value.dtype}",
            "Cast to float first: numpy computes it with few digits, and its own last ones.",
        )
    if value.dtype not in NUMBERS:
        raise Untraceable(f"np.{name} of {value.dtype}", "Turn it into a number first.")
    number = value if value.dtype == "float32" else cast(value, "float64")
    if name == "log1p" and value.low is not None and value.low >= 0 and value.is_finite:
        return Value(dtype="float64", var=_log1p_of_positive(number.var), can_miss=value.can_miss)
    is_undefined = name in _UNDEFINED_SOMEWHERE or (
        name in _UNDEFINED_AT_INFINITY and not value.is_finite
    )
    var = _FUNCTIONS[name](number.var)
    return Value(dtype=number.dtype, var=var, can_miss=value.can_miss or is_undefined)


def _step(name: str, value: Value) -> Value:
    """Return floor, ceil, rint, trunc or sign, which leave whole numbers alone."""
    if value.dtype == "bool":
        raise Untraceable(f"np.{name} of booleans", "Cast to int first.")
    if value.dtype not in (*FLOATS, *INTEGERS):
        raise Untraceable(f"np.{name} of {value.dtype}", "Turn it into a number first.")
    if name == "sign":
        if value.dtype in INTEGERS:
            # ONNX Runtime's own goes by the lower half of a long integer.
            zero, whole = const(0, value.dtype), np.dtype(value.dtype)
            above, below = op.greater(value.var, zero), op.less(value.var, zero)
            signs = op.sub(op.cast(above, to=whole), op.cast(below, to=whole))
            return value.of_same_kind(signs)
        var = op.sign(value.var)
        if value.can_miss:
            var = op.where(op.isnan(value.var), value.var, var)
        return value.of_same_kind(var)
    if value.dtype in INTEGERS:
        # Before numpy 2.1, floats came of all of them.
        return cast(value, getattr(np, name)(np.empty(0, value.dtype)).dtype.name)
    if name == "trunc":
        var = op.mul(op.sign(value.var), op.floor(op.abs(value.var)))
        if value.can_miss:
            var = op.where(op.isnan(value.var), value.var, var)
    else:
        var = {"floor": op.floor, "ceil": op.ceil, "rint": op.round}[name](value.var)
    return value.of_same_kind(var)


def extremum(name: str, left: Any, right: Any) -> Value:
    """Return np.maximum or np.minimum, where a missing value wins, or np.fmax, where none does."""
    left, right = _both(left, right)
    for side in (left, right):
        if side.dtype not in NUMBERS:
            raise Untraceable(f"np.{name} of {side.dtype}", "Choose with .where, or cast first.")
    left, right = promoted(left, right)
    if left.dtype == "bool":
        raise Untraceable(f"np.{name} of booleans", "Join them with | or &.")
    is_most = name in ("maximum", "fmax")
    can_miss = left.can_miss or right.can_miss
    if left.dtype in FLOATS and (name in ("maximum", "minimum") or not can_miss):
        var = (op.max if is_most else op.min)([left.var, right.var])
        return Value(dtype=left.dtype, var=var, can_miss=can_miss)
    # Of long integers ONNX Runtime's own look at the lower half.
    takes_left = (op.greater_or_equal if is_most else op.less_or_equal)(left.var, right.var)
    if can_miss:
        takes_left = op.or_(takes_left, op.isnan(right.var))
    var = op.where(takes_left, left.var, right.var)
    return Value(dtype=left.dtype, var=var, can_miss=left.can_miss and right.can_miss)


def clip(value: Value, lower: Any = None, upper: Any = None) -> Value:
    """Bound numbers; what is missing stays missing, and a bound that is missing does not bind."""
    if value.dtype not in (*FLOATS, *INTEGERS):
        raise Untraceable(f"clip of {value.dtype}", "Cast to a number first.")
    for name, bound in (("maximum", lower), ("minimum", upper)):
        if bound is None or (isinstance(bound, float) and bound != bound):
            continue
        lifted_bound = lifted(bound, value)
        value, limit = promoted(value, lifted_bound)
        if limit.can_miss or value.dtype in INTEGERS:
            is_beyond = op.less if name == "maximum" else op.greater
            var = op.where(is_beyond(value.var, limit.var), limit.var, value.var)
        else:
            var = (op.max if name == "maximum" else op.min)([value.var, limit.var])
        value = Value(dtype=value.dtype, var=var, can_miss=value.can_miss)
    return value


def nan_to_num(value: Value, nan: float = 0.0) -> Value:
    """Return np.nan_to_num: numbers where they are missing or endless."""
    if value.dtype not in FLOATS:
        return value
    filled = value
    if value.can_miss:
        filling = lifted(nan, value)
        filled = where(is_missing(value), cast(filling, value.dtype), value)
    if value.is_finite:
        return filled
    most = float(np.finfo(value.dtype).max)
    return clip(filled, -most, most)


def _both(left: Any, right: Any) -> tuple[Value, Value]:
    if not isinstance(left, Value):
        return lifted(left, right), right
    return left, lifted(right, left)


def _log1p_of_positive(x: Var) -> Var:
    """Return log(1 + x), exact to the last bits near zero (Goldberg 1991, theorem 4)."""
    one = const(1.0)
    up = op.add(one, x)
    lost = op.sub(op.sub(up, one), x)
    return op.sub(op.log(up), op.div(lost, up))


def _log1p(x: Var) -> Var:
    """Return the same of any number: nothing is lost, or divided, at -1 and at infinity."""
    up = op.add(const(1.0), x)
    is_exact = op.equal(op.sub(up, const(1.0)), x)
    return op.where(is_exact, op.log(up), _log1p_of_positive(x))


def _expm1(x: Var) -> Var:
    """Return exp(x) - 1, exact near zero (Higham 2002, section 1.14.1)."""
    one = const(1.0)
    power = op.exp(x)
    less = op.sub(power, one)
    logarithm = op.log(power)
    mended = op.mul(less, op.div(x, logarithm))
    result = op.where(op.less(op.abs(x), const(0.5)), mended, less)
    return op.where(op.equal(power, one), x, result)


def _logarithm(x: Var, base: float) -> Var:
    """Return the logarithm to a base, exact where it is a whole number, as numpy's is."""
    found = op.div(op.log(x), const(np.log(base)))
    whole = op.round(found)
    # Numbers that are too small have too few digits to be told from a power.
    is_power = op.and_(op.equal(op.pow(const(base), whole), x), op.greater(x, const(1e-300)))
    return op.where(is_power, whole, found)


def _narrow(function: Callable[[Var], Var], x: Var) -> Var:
    """Call a function that ONNX Runtime has in float32 only; a first guess."""
    return op.cast(function(op.cast(x, to=np.float32)), to=np.float64)


def _arctan(x: Var) -> Var:
    """Refine the float32 arctangent by Newton's steps on the tangent of the difference."""
    guess = _narrow(op.atan, x)
    for _ in range(2):
        sine, cosine = op.sin(guess), _cos(guess)
        # tan(a - b) = (x - tan b) / (1 + x tan b), free of the poles of tan.
        above = op.sub(op.mul(x, cosine), sine)
        below = op.add(cosine, op.mul(x, sine))
        guess = op.add(guess, op.div(above, below))
    is_endless = op.isinf(x)
    half = op.mul(op.sign(x), const(np.pi / 2))
    return op.where(is_endless, half, guess)


def _arcsin(x: Var) -> Var:
    one = const(1.0)
    # (1 - x)(1 + x) keeps the digits that 1 - x² loses near ±1.
    other = op.sqrt(op.mul(op.sub(one, x), op.add(one, x)))
    return _arctan(op.div(x, other))


def _arccos(x: Var) -> Var:
    one = const(1.0)
    # Half the angle: π/2 - arcsin(x) loses digits near 1.
    half = _arctan(op.sqrt(op.div(op.sub(one, x), op.add(one, x))))
    return op.mul(half, const(2.0))


def _cos(x: Var) -> Var:
    """Return the cosine by the sine of half the angle: ONNX Runtime before 1.28 has no other."""
    sine = op.sin(op.mul(x, const(0.5)))
    return op.sub(const(1.0), op.mul(op.mul(sine, sine), const(2.0)))


#: π in three pieces, of which all but the last have few enough bits for exact products.
_PI = (3.1415926534682512, 1.2154201012607932e-10, 4.044532497591901e-21)


def _tan(x: Var) -> Var:
    """Return the tangent; near a pole the cosine is the sine of the way to it.

    The way is exact to the last bits (Cody and Waite 1980).
    """
    turns = op.round(op.sub(op.div(x, const(np.pi)), const(0.5)))
    pole = op.add(turns, const(0.5))
    way = x
    for piece in _PI:
        way = op.sub(way, op.mul(pole, const(piece)))
    parity = op.mod(op.abs(turns), const(2.0), fmod=1)
    near = op.mul(op.sin(way), op.sub(op.mul(parity, const(2.0)), const(1.0)))
    cosine = _cos(x)
    is_near = op.and_(op.less(op.abs(cosine), const(0.1)), op.less(op.abs(x), const(1e5)))
    return op.div(op.sin(x), op.where(is_near, near, cosine))


_FUNCTIONS: dict[str, Callable[[Var], Var]] = {
    "log": op.log,
    "log2": lambda x: _logarithm(x, 2.0),
    "log10": lambda x: _logarithm(x, 10.0),
    "log1p": _log1p,
    "exp": op.exp,
    "expm1": _expm1,
    "exp2": lambda x: op.pow(const(2.0), x),
    "sqrt": op.sqrt,
    "sin": op.sin,
    "cos": _cos,
    "tan": _tan,
    "arcsin": _arcsin,
    "arccos": _arccos,
    "arctan": _arctan,
    "tanh": op.tanh,
    "radians": lambda x: op.mul(x, const(np.pi / 180)),
    "deg2rad": lambda x: op.mul(x, const(np.pi / 180)),
    "degrees": lambda x: op.mul(x, const(180 / np.pi)),
    "rad2deg": lambda x: op.mul(x, const(180 / np.pi)),
}
_UNDEFINED_SOMEWHERE = {"log", "log2", "log10", "log1p", "sqrt", "arcsin", "arccos"}
_UNDEFINED_AT_INFINITY = {"sin", "cos", "tan"}


def _square(value: Value) -> Value:
    if value.dtype == "bool":
        raise Untraceable("np.square of booleans", "Cast to int first.")
    return binary("mul", value, value)


def _reciprocal(value: Value) -> Value:
    if value.dtype not in FLOATS:
        raise Untraceable(f"np.reciprocal of {value.dtype}", "Cast to float first.")
    return binary("truediv", 1.0, value)


def _isfinite(value: Value) -> Value:
    if value.dtype not in FLOATS:
        return Value(dtype="bool", var=op.equal(value.var, value.var))
    # inf - inf and NaN - NaN are NaN.
    gap = op.sub(value.var, value.var)
    return Value(dtype="bool", var=op.not_(op.isnan(gap)))


def _isinf(value: Value) -> Value:
    if value.dtype not in FLOATS:
        return Value(dtype="bool", var=op.not_(op.equal(value.var, value.var)))
    return Value(dtype="bool", var=op.isinf(op.cast(value.var, to=np.float64)))


def _hypot(left: Any, right: Any) -> Value:
    left, right = promoted(*_both(left, right), at_least="float64")
    x, y = op.abs(left.var), op.abs(right.var)
    most = op.max([x, y])
    # Squares of the share alone neither overflow nor vanish; inf wins over NaN.
    share = op.div(op.min([x, y]), op.where(op.equal(most, const(0.0)), const(1.0), most))
    length = op.mul(most, op.sqrt(op.add(const(1.0), op.mul(share, share))))
    is_endless = op.or_(op.isinf(x), op.isinf(y))
    var = op.where(is_endless, const(np.inf), length)
    return Value(dtype="float64", var=var, can_miss=left.can_miss or right.can_miss)


def _truth(value: Any) -> Any:
    return cast(value, "bool") if isinstance(value, Value) else bool(value)


def _operator(name: str) -> Callable[[Any, Any], Value]:
    return lambda left, right: binary(name, left, right)


def _logical(name: str) -> Callable[[Any, Any], Value]:
    return lambda left, right: binary(name, _truth(left), _truth(right))


#: numpy's ufuncs by their names, of one or two columns.
UFUNCS: dict[str, Callable[..., Value]] = {
    **{name: (lambda value, name=name: floating(name, value)) for name in _FUNCTIONS},
    **{
        name: (lambda value, name=name: _step(name, value))
        for name in ("floor", "ceil", "rint", "trunc", "sign")
    },
    **{
        name: (lambda left, right, name=name: extremum(name, left, right))
        for name in ("maximum", "minimum", "fmax", "fmin")
    },
    "absolute": absolute,
    "fabs": lambda value: absolute(value if value.dtype in FLOATS else cast(value, "float64")),
    "square": _square,
    "negative": negative,
    "positive": lambda value: value,
    "reciprocal": _reciprocal,
    "isnan": isna,
    "isfinite": _isfinite,
    "isinf": _isinf,
    "hypot": _hypot,
    "logical_not": lambda value: invert(_truth(value)),
    "invert": invert,
    "add": _operator("add"),
    "subtract": _operator("sub"),
    "multiply": _operator("mul"),
    "divide": _operator("truediv"),
    "floor_divide": _operator("floordiv"),
    "remainder": _operator("mod"),
    "power": _operator("pow"),
    "float_power": lambda left, right: binary("pow", *_floats(left, right)),
    "equal": _operator("eq"),
    "not_equal": _operator("ne"),
    "less": _operator("lt"),
    "less_equal": _operator("le"),
    "greater": _operator("gt"),
    "greater_equal": _operator("ge"),
    "logical_and": _logical("and"),
    "logical_or": _logical("or"),
    "logical_xor": _logical("xor"),
    "bitwise_and": _operator("and"),
    "bitwise_or": _operator("or"),
    "bitwise_xor": _operator("xor"),
}


def _floats(left: Any, right: Any) -> list[Any]:
    return [
        cast(side, "float64") if isinstance(side, Value) else float(side) for side in (left, right)
    ]
