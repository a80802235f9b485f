"""Checks that a project's own tests call in one line, and a service to ask.

`check_featurizer` holds features to their contract, `check_learns` a whole pipeline;
`check_invariance` and `check_direction` say what a model must not, and must, go by.
`run_notebook` runs one from top to bottom, `serving` runs `mlkit serve` for the length of a test.
"""

from mlkit.testing.featurizers import check_featurizer
from mlkit.testing.models import check_direction, check_invariance, check_learns
from mlkit.testing.notebooks import run_notebook
from mlkit.testing.services import Service, serving

__all__ = [
    "Service",
    "check_direction",
    "check_featurizer",
    "check_invariance",
    "check_learns",
    "run_notebook",
    "serving",
]
