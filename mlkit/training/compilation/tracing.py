"""Run a Featurizer's own `transform` on stand-ins, and return what became of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from inspect import unwrap
from threading import RLock
from typing import Any
from unittest.mock import patch

import pandas as pd

from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.frames import PANDAS, Frame
from mlkit.training.compilation.standins import Index
from mlkit.training.compilation.values import Value
from mlkit.training.features import Featurizer

_LOCK = RLock()


def trace(featurizer: Featurizer, columns: Mapping[str, Value]) -> dict[str, Value]:
    """Return each feature that the fitted featurizer makes of the columns.

    Raises
    ------
    Untraceable
        At the first operation that does not compile.
    """
    frame = Frame({name: TracedColumn(value, name) for name, value in columns.items()})
    transform = unwrap(type(featurizer).transform)
    with _pandas_for_standins():
        try:
            # A copy: what transform keeps of a trace is not for the model that is packed.
            features = transform(copy(featurizer), frame)
        except Untraceable:
            raise
        except Exception as error:
            raise Untraceable(
                f"{type(featurizer).__name__}.transform ({type(error).__name__}: {error})",
                "It runs on data, but not on stand-ins for it.",
                error,
            ) from error
    if not isinstance(features, Frame):
        is_column = isinstance(features, TracedColumn)
        found = "a column" if is_column else f"a {type(features).__name__}"
        raise Untraceable(
            f"{found} from {type(featurizer).__name__}.transform",
            "Build the result from the frame's columns.",
        )
    return {str(name): column.value for name, column in features.items()}


@contextmanager
def _pandas_for_standins() -> Iterator[None]:
    """Let pandas' own constructors and functions take stand-ins, for as long as a trace runs.

    numpy's functions ask their arguments how they are to be computed; pandas'
    do not, and its containers would look into what has no values.
    """
    with _LOCK, patch.multiple(pd, **{n: _answering(getattr(pd, n), f) for n, f in PANDAS.items()}):
        yield


def _answering(original: Any, traced: Any) -> Any:
    if not isinstance(original, type):
        return lambda *args, **kwargs: (
            traced(*args, **kwargs) if _has_standin(args, kwargs) else original(*args, **kwargs)
        )
    standin = Frame if original.__name__ == "DataFrame" else TracedColumn

    class Answering(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if _has_standin(args, kwargs):
                return traced(*args, **kwargs)
            return original(*args, **kwargs)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, (original, standin))

        def __getattr__(cls, name: str) -> Any:
            return getattr(original, name)

    return Answering(original.__name__, (), {})


def _has_standin(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    return any(_holds_standin(value) for value in (*args, *kwargs.values()))


def _holds_standin(value: Any) -> bool:
    if isinstance(value, (TracedColumn, Frame, Index)):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_standin, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_standin, value))
    return False
