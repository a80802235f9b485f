"""Run a bundle through the very pipeline that was trained."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlkit.core.bundle import MODEL, SIMPLE, TRAINING_ROWS, TUNING_ROWS, Bundle
from mlkit.core.errors import BundleError
from mlkit.core.log import get_logger
from mlkit.core.rows import Rows
from mlkit.scoring import compiled
from mlkit.scoring.prediction import Predictor
from mlkit.training import frames
from mlkit.training.archive import load_prints
from mlkit.training.model import TrainedModel
from mlkit.training.storage import load_pipeline
from mlkit.training.target import target_of

log = get_logger(__name__)


class PythonRuntime:
    """Scores rows with pandas and scikit-learn."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model

    def scores(self, rows: Rows) -> np.ndarray:
        """Score validated rows; see `Runtime.scores`."""
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
        If the model uses types that are not trusted, or a file is not what
        `pack` writes.
    """
    manifest = bundle.manifest
    return TrainedModel(
        pipeline=load_pipeline(bundle.read(MODEL), trusted, bundle.path / MODEL),
        simple=load_pipeline(bundle.read(SIMPLE), (), bundle.path / SIMPLE),
        schema=bundle.schema,
        target=target_of(bundle),
        classes=tuple(manifest.classes),
        prior=np.array(manifest.prior),
        threshold=manifest.threshold,
        training_rows=_prints(bundle, TRAINING_ROWS),
        tuning_rows=_prints(bundle, TUNING_ROWS),
        name=bundle.model,
    )


def open_judged(bundle: Bundle, trusted: Sequence[str]) -> TrainedModel:
    """Read the model of a checked bundle back to be judged: it scores as the bundle does.

    A graph scores as it was packed, whatever became of the project's code since;
    what its features contribute can no longer be told then, which is logged.

    Raises
    ------
    BundleError
        As `open_model` does; and if a bundle without a graph no longer scores its
        golden rows as it did.
    """
    model = open_model(bundle, trusted)
    changed = ""
    try:
        Predictor(bundle, PythonRuntime(model)).check_golden()
    except BundleError as error:
        changed = str(error)
    if bundle.manifest.runtime == "python":
        if changed:
            raise BundleError(
                f"{changed} It runs on the project's own code, which has changed since it was "
                "packed. Check out the commit that made it, or train again."
            )
        return model
    if changed:
        log.warning("features_changed", bundle=bundle.model, left_out="what features contribute")
    shipped = compiled.open_runtime(bundle, trusted)
    return replace(model, shipped=shipped, is_as_packed=not changed)


def _prints(bundle: Bundle, name: str) -> np.ndarray:
    try:
        return load_prints(bundle.read(name))
    except ValueError as error:
        raise BundleError(f"{bundle.path / name} is not readable: {error}.") from None
