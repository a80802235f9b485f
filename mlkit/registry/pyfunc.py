"""Let `mlflow.pyfunc.load_model` load a bundle."""

from typing import Any

import pandas as pd

from mlkit.core.trust import required_signers, trusted_packages
from mlkit.scoring.prediction import Predictor


def _load_pyfunc(path: str) -> "Scorer":
    """Return the model in the bundle's folder; MLflow calls this by its name."""
    return Scorer(Predictor.load(path, trusted=trusted_packages(), signers=required_signers()))


class Scorer:
    """A Predictor as MLflow wants a model.

    Parameters
    ----------
    predictor
        Loaded; what it trusts is the reader's `tool.mlkit`, as on the command line.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the predictions of a frame's rows, as columns beside its index."""
        del params  # MLflow passes it; a bundle has none.
        columns = self.predictor.predict(model_input).columns()
        return pd.DataFrame(columns, index=model_input.index)
