"""Run a Featurizer's own `transform` on stand-ins, and return what became of them."""

from collections.abc import Mapping, Sequence
from copy import copy
from inspect import getfile, unwrap
from typing import Any, cast

import pandas as pd
import spox
from spox import Var

from mlkit.core.errors import listed
from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.doubles import imported_by_name, pandas_for_standins
from mlkit.training.compilation.errors import Inconstant, Untraceable, text_of
from mlkit.training.compilation.fickle import without_clock_or_chance
from mlkit.training.compilation.frames import Frame
from mlkit.training.compilation.values import Value
from mlkit.training.features import Featurizer


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
    model = spox.build(dict(inputs), outputs, drop_unused_inputs=True) if outputs else None
    return model.SerializeToString(deterministic=True) if model else b""
