"""Studies on demand: whether more rows would help, and how fast a model gets old."""

from mlkit.training.studies.aging import Staleness, staleness
from mlkit.training.studies.learning import LearningCurve, learning_curve

__all__ = ["LearningCurve", "Staleness", "learning_curve", "staleness"]
