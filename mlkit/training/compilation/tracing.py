"""Run a Featurizer's own `transform` on stand-ins, and return what became of them."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from inspect import getfile, unwrap
from typing import Any, cast

import pandas as pd
import spox
from spox import Var, argument

from mlkit.core.errors import listed
from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.doubles import imported_by_name, pandas_for_standins
from mlkit.training.compilation.errors import Untraceable, text_of
from mlkit.training.compilation.fickle import check_constancy, executed
from mlkit.training.compilation.frames import Frame
from mlkit.training.compilation.values import Value
from mlkit.training.features import Featurizer


def trace(featurizer: Featurizer, columns: Mapping[str, Value]) -> dict[str, Value]:
    """Return each feature that the fitted featurizer makes of the columns.

    Raises
    ------
    Untraceable
        At the first operation that does not compile, and where another trace
        gives another graph, as it does by the clock or by chance.
    """
    with executed() as codes:
        features = _features(featurizer, columns)
    check_constancy(codes.values())
    _check_again(featurizer, columns)
    return features


def _features(featurizer: Featurizer, columns: Mapping[str, Value]) -> dict[str, Value]:
    frame = Frame({name: TracedColumn(value, name) for name, value in columns.items()})
    name = f"{type(featurizer).__name__}.transform"
    with pandas_for_standins():
        try:
            # A copy: what transform keeps of a trace is not for the model that is packed.
            features: Any = copy(featurizer).transform(cast("pd.DataFrame", frame))
        except Exception as error:
            taken = imported_by_name(error)
            if taken is not None:
                raise Untraceable(
                    f"{taken} that was imported from pandas by its name",
                    f"Write `import pandas as pd`, and pd.{taken}.",
                    error,
                ) from error
            if isinstance(error, Untraceable):
                raise
            raise Untraceable(
                f"{name} ({type(error).__name__}: {error})",
                "It runs on data, but not on stand-ins for it.",
                error,
            ) from error
    if not isinstance(features, Frame):
        is_column = isinstance(features, TracedColumn)
        found = "a column" if is_column else f"a {type(features).__name__}"
        raise Untraceable(f"{found} from {name}", "Build the result from the frame's columns.")
    return {str(name): column.value for name, column in features.items()}


def _check_again(featurizer: Featurizer, columns: Mapping[str, Value]) -> None:
    """Stop where two traces of the same columns, as inputs of a graph, are not one graph."""
    inputs: dict[str, Var] = {}

    def fresh(name: str, var: Var) -> Var:
        return inputs.setdefault(name, argument(var.unwrap_tensor()))

    values = {
        name: replace(
            value,
            var=fresh(f"column {name}", value.var),
            missing=value.missing and fresh(f"missing column {name}", value.missing),
        )
        for name, value in columns.items()
    }
    first, second = (_features(featurizer, values) for _ in range(2))
    if _graph(inputs, first) != _graph(inputs, second):
        differ = [
            name
            for name in first | second
            if len({_graph(inputs, made, [name]) for made in (first, second)}) == 2
        ]
        transform = unwrap(type(featurizer).transform)
        raise Untraceable(
            f"{listed(differ)}, which transform makes in another way each time,",
            "Draw in fit, take times from columns of the schema, and keep nothing between calls.",
            line=text_of(getfile(transform), transform.__code__.co_firstlineno),
        )


def _graph(
    inputs: dict[str, Var], features: Mapping[str, Value], names: Sequence[str] | None = None
) -> bytes:
    outputs = {
        f"{part} {name}": var
        for name, value in features.items()
        if names is None or name in names
        for part, var in (("feature", value.var), ("missing feature", value.missing))
        if var is not None
    }
    return spox.build(inputs, outputs).SerializeToString(deterministic=True) if outputs else b""
