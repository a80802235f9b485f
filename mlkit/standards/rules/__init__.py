"""The rules, by their codes."""

from collections.abc import Mapping

from mlkit.standards.rule import Standard
from mlkit.standards.rules import (
    estimators,
    frames,
    layout,
    logs,
    notebooks,
    secrets,
    seeds,
    settings,
    splits,
    storage,
    untested,
)

_SUBJECTS = (
    *(splits, seeds, frames, storage, estimators, logs, secrets, notebooks),
    *(settings, layout, untested),
)
RULES: Mapping[str, Standard] = {rule.code: rule for subject in _SUBJECTS for rule in subject.RULES}
