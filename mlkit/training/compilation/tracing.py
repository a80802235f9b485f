"""Run a Featurizer's own `transform` on stand-ins, and return what became of them."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from inspect import getfile, unwrap
from typing import Any, cast

import pandas as pd
import spox
from spox import Var

from mlkit.core.errors import listed
from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.doubles import given_to_library, pandas_for_standins
from mlkit.training.compilation.errors import Inconstant, Untraceable, text_of
from mlkit.training.compilation.fickle import without_clock_or_chance
from mlkit.training.compilation.frames import Frame, NoColumn
from mlkit.training.compilation.standins import without
from mlkit.training.compilation.values import Value
from mlkit.training.features import Featurizer

_OPTION = re.compile(r"(\w+)\(\) got an unexpected keyword argument '(\w+)'")


def trace(
    featurizer: Featurizer, columns: Mapping[str, Value], inputs: Mapping[str, Var]
) -> dict[str, Value]:
    """Return each feature that the fitted featurizer makes of the columns.

    Parameters
    ----------
    featurizer
        Whose `transform` is traced.
    columns
        What it is given.
    inputs
        Inputs of the graph, which the columns are made of.

    Raises
    ------
    Inconstant
        Where the clock or chance is asked, or another trace gives another graph.
    Untraceable
        At the first operation that does not compile.
    """
    with without_clock_or_chance():
        features = _features(featurizer, columns)
    again = _features(featurizer, columns)
    if _graph(inputs, features) != _graph(inputs, again):
        differ = [
            name
            for name in features | again
            if len({_graph(inputs, made, [name]) for made in (features, again)}) == 2
        ]
        transform = unwrap(type(featurizer).transform)
        raise Inconstant(
            f"what transform makes of {listed(differ)}",
            "Draw in fit, take times from columns of the schema, and keep nothing between calls.",
            line=text_of(getfile(transform), transform.__code__.co_firstlineno),
        )
    return features


def _features(featurizer: Featurizer, columns: Mapping[str, Value]) -> dict[str, Value]:
    frame = Frame({name: TracedColumn(value, name) for name, value in columns.items()})
    name = f"{type(featurizer).__name__}.transform"
    with pandas_for_standins():
        try:
            # A copy: what transform keeps of a trace is not for the model that is packed.
            features: Any = copy(featurizer).transform(cast("pd.DataFrame", frame))
        except Exception as error:
            called = given_to_library(error)
            if called is None and isinstance(error, Untraceable):
                raise
            raise Untraceable(*(called or _reason(error, name)), error) from error
    if not isinstance(features, Frame):
        is_column = isinstance(features, TracedColumn)
        found = "a column" if is_column else f"a {type(features).__name__}"
        raise Untraceable(f"{found} from {name}", "Build the result from the frame's columns.")
    unnamed = [name for name in features if not isinstance(name, str)]
    if unnamed:
        raise Untraceable(
            f"a feature whose name is no text ({listed(unnamed)})", "Name it: .rename(columns=str)."
        )
    return {name: column.value for name, column in features.items()}


def _reason(error: Exception, name: str) -> tuple[str, str]:
    """Return what failed on stand-ins, and what to write instead."""
    if isinstance(error, NoColumn):
        return f"the column {error.column!r}, which the frame has not,", error.advice
    option = _OPTION.search(str(error))
    if option is not None:
        return f".{option[1]}({option[2]}=…)", without(option[2])
    said = f"{type(error).__name__}: {error}"
    return f"{name} ({said})", "It may run on data, but not on stand-ins for it."


def _graph(
    inputs: Mapping[str, Var], features: Mapping[str, Value], names: Sequence[str] | None = None
) -> bytes:
    outputs = {
        f"{part} {name}": var
        for name, value in features.items()
        if names is None or name in names
        for part, var in (("feature", value.var), ("missing feature", value.missing))
        if var is not None
    }
    if not outputs:
        return b""
    # Unused inputs stay: spox drops them in no order.
    graph: bytes = spox.build(dict(inputs), outputs).SerializeToString(deterministic=True)
    return graph
