"""What pandas makes of the values of a row: `axis=1`."""

from collections.abc import Sequence
from functools import partial, reduce

from mlkit.core.errors import listed
from mlkit.training.compilation.arithmetic import binary, invert
from mlkit.training.compilation.choices import fillna
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.functions import extremum, isna
from mlkit.training.compilation.values import INTEGERS, Value, cast

#: What `across` makes of the values of a row.
ACROSS = ("sum", "mean", "min", "max", "any", "all")


def across(name: str, values: Sequence[Value]) -> Value:
    """Return one value of each row's, of which missing ones are left out, as pandas does."""
    kinds = {value.dtype for value in values}
    is_logic = name in ("any", "all")
    # pandas adds numbers of several kinds in another order.
    is_known = (kinds == {"float64"} or kinds <= {*INTEGERS}) and not is_logic
    if not values or not (is_known or (kinds == {"bool"} and name not in ("min", "max"))):
        raise Untraceable(
            f".{name}(axis=1) of {listed(sorted(kinds))}",
            "It is for booleans alone." if is_logic else "Cast the frame: .astype(float).",
        )
    if is_logic:
        return reduce(partial(binary, "or" if name == "any" else "and"), values)
    if name in ("min", "max"):
        return reduce(partial(extremum, f"f{name}"), values)
    dtype = "float64" if name == "mean" or "float64" in kinds else "int64"
    if dtype == "float64" and len(values) > 7:
        # numpy adds eight numbers and more in an order that depends on how they lie.
        raise Untraceable(f".{name}(axis=1) of more than 7 columns", "Add them with +.")
    numbers = [cast(value, dtype) for value in values]
    total = reduce(partial(binary, "add"), (fillna(number, 0) for number in numbers))
    if name == "sum":
        return total
    counts = (cast(invert(isna(number)), dtype) for number in numbers)
    return binary("truediv", total, reduce(partial(binary, "add"), counts))
