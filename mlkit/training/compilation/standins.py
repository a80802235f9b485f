"""What stands in for data while a `transform` is traced: what no stand-in can do."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.values import Value

ADVICE = {
    "apply": "Write it with numpy or pandas operations on whole columns.",
    "iterrows": "Write it with numpy or pandas operations on whole columns.",
    "itertuples": "Write it with numpy or pandas operations on whole columns.",
    "iloc": "Choose columns by their names, frame[names]; learn what needs other rows in fit.",
    "str.count": "Count a literal by what is left without it: .str.replace and .str.len.",
    "get_dummies": "Return the column of text as it is: the encoder makes columns of its values.",
    "Categorical": "Return the column of text as it is: the encoder takes categories of it.",
    "qcut": "Learn the edges in fit, and cut with pd.cut(column, edges, labels=False).",
    "to_timedelta": "Multiply whole numbers by a span: column * pd.Timedelta(hours=1).",
    "merge": "Learn a dict in fit, and look it up with .map(dict).",
    "join": "Use pd.concat([a, b], axis=1).",
    "astype": "Cast to int, float or bool.",
}
#: What looks at other rows: it must be learned in `fit`.
_OF_MANY_ROWS = (
    "sum", "mean", "median", "std", "var", "min", "max", "quantile", "mode", "nunique",
    "unique", "value_counts", "rank", "shift", "diff", "cumsum", "cumprod", "cummax", "cummin",
    "pct_change", "rolling", "expanding", "ewm", "groupby", "sort_values", "sample",
    "drop_duplicates", "duplicated", "ffill", "bfill", "interpolate", "describe", "corr", "cov",
    "any", "all", "count", "head", "tail", "at", "iat", "idxmax", "idxmin", "nlargest",
    "nsmallest", "resample",
)  # fmt: skip


#: What to write instead of a function of several columns, or of their values.
ON_COLUMNS = "Use numpy's functions on the columns themselves, as in np.maximum(a, b)."


def advice(name: str) -> str:
    """Return what to write instead of a method that does not compile."""
    if name in _OF_MANY_ROWS:
        return "A feature comes from its own row: learn what needs other rows in fit."
    return ADVICE.get(name, "Write it with operations that compile; the documentation lists them.")


def only(operation: str, options: Mapping[str, Any], *harmless: str) -> None:
    """Stop at options that would change what an operation gives."""
    for option in options:
        if option not in harmless:
            raise Untraceable(f"{operation}({option}=…)", without(option))


def without(option: str) -> str:
    """Return what to write instead of an option."""
    rest = ", and assign the result: nothing changes in place" if option == "inplace" else ""
    return f"Leave the option out{rest}."


class Standin:
    """What columns and frames have in common: what neither can do."""

    _kind = "a column"
    #: What stands before its methods in `ADVICE`.
    _prefix = ""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise Untraceable(f".{name} of {self._kind}", advice(self._prefix + name))

    def __repr__(self) -> str:
        return f"<{self._kind} without values>"

    def __str__(self) -> NoReturn:
        raise Untraceable(
            f"the text of {self._kind} as a whole",
            "A trace sees no values: leave out what prints or formats them.",
        )

    def __bool__(self) -> NoReturn:
        raise Untraceable(
            f"a condition on {self._kind}",
            "Choose by value with np.where or .where; a trace sees no values.",
        )

    def __len__(self) -> NoReturn:
        raise Untraceable(f"len of {self._kind}", "A feature comes from its own row.")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Untraceable(f"{self._kind} as a plain array", ON_COLUMNS)


class Index:
    """The index of every traced frame."""


class Traced(Standin):
    """A Series, or an array, that is being traced: a value, and how it is held.

    Parameters
    ----------
    value
        What it is in the graph.
    name
        Its name, of a Series.
    is_array
        Whether it is a plain array, with which numpy computes, not pandas.
    """

    def __init__(self, value: Value, name: Any = None, *, is_array: bool = False) -> None:
        self.value = value
        self.name = name
        self.is_array = is_array

    def made(self, value: Value) -> Self:
        """Return what was computed of it alone."""
        return type(self)(value, self.name, is_array=self.is_array)
