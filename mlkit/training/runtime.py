"""Run a bundle through the very pipeline that was trained."""

from collections.abc import Sequence

import msgspec
import numpy as np

from mlkit.core.bundle import MODEL, TRAINING_ROWS, Bundle
from mlkit.core.errors import BundleError
from mlkit.core.rows import Rows
from mlkit.training import frames
from mlkit.training.storage import load_pipeline
from mlkit.training.target import Target
from mlkit.training.trainer import TrainedModel


class PythonRuntime:
    """Scores rows with pandas and scikit-learn."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model

    def scores(self, rows: Rows) -> np.ndarray:
        """Score validated rows; see `TrainedModel.scores`."""
        schema = self.model.schema
        columns = {name: rows.column(name) for name in schema.names(known_before=True)}
        return self.model.scores(frames.from_columns(schema, columns))


def open_runtime(bundle: Bundle, trusted: Sequence[str]) -> PythonRuntime:
    """Return the runtime of a checked bundle."""
    return PythonRuntime(open_model(bundle, trusted))


def open_model(bundle: Bundle, trusted: Sequence[str]) -> TrainedModel:
    """Read the model of a checked bundle back to the training side.

    Raises
    ------
    BundleError
        If the model uses types that are not trusted.
    """
    manifest = bundle.manifest
    try:
        rows = np.load(bundle.path / TRAINING_ROWS, allow_pickle=False)
    except ValueError as error:
        raise BundleError(f"{bundle.path / TRAINING_ROWS} is not readable: {error}.") from None
    target = msgspec.convert(manifest.target, Target)
    return TrainedModel(
        pipeline=load_pipeline(bundle.path / MODEL, trusted),
        schema=bundle.schema,
        target=target,
        classes=tuple(manifest.classes),
        prior=np.array(manifest.prior),
        training_rows=rows,
    )
