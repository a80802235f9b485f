"""Fit a model again and again, to learn more than one run tells.

`refitting` fits on other rows; `learning` says whether more of them would help,
`aging` how fast a model gets old, `flattery` what a random split would have
promised, and `ablation` which features earn their cost.
"""

from mlkit.training.studies.ablation import ablate as ablate
from mlkit.training.studies.aging import staleness as staleness
from mlkit.training.studies.learning import learning_curve as learning_curve
