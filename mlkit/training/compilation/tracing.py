"""Run a Featurizer's own `transform` on stand-ins, and return what became of them."""

from collections.abc import Mapping
from copy import copy
from typing import Any, cast

import pandas as pd

from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.doubles import imported_by_name, pandas_for_standins
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.frames import Frame
from mlkit.training.compilation.values import Value
from mlkit.training.features import Featurizer


def trace(featurizer: Featurizer, columns: Mapping[str, Value]) -> dict[str, Value]:
    """Return each feature that the fitted featurizer makes of the columns.

    Raises
    ------
    Untraceable
        At the first operation that does not compile.
    """
    return _features(featurizer, columns)


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
