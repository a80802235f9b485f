"""Bundles of models that tests train: judged on their holdout, without intervals."""

from pathlib import Path

import pandas as pd

from mlkit import Evaluator, pack
from mlkit.core.bundle import Bundle
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.model import TrainedModel


def parts_of(
    model: TrainedModel, frame: pd.DataFrame
) -> tuple[TrainedModel, Evaluation, pd.DataFrame]:
    """Return the model, its evaluation and its holdout, as `pack` takes them."""
    holdout = model.holdout(frame)
    return model, Evaluator(n_resamples=0, n_repeats=0).evaluate(model, holdout), holdout


def bundle_of(model: TrainedModel, frame: pd.DataFrame, folder: Path) -> Bundle:
    """Pack a model that was trained on the frame."""
    return pack(*parts_of(model, frame), folder, name="m")
