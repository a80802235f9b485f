"""The rules, by their codes."""

from collections.abc import Mapping

from mlkit.standards.rule import Standard
from mlkit.standards.rules import (
    columns,
    estimators,
    frames,
    layout,
    logs,
    networks,
    notebooks,
    outcomes,
    parameters,
    samplers,
    scoring,
    secrets,
    seeds,
    settings,
    splits,
    storage,
    tuning,
    untested,
)

_SUBJECTS = (
    *(splits, scoring, tuning, seeds, samplers, frames, columns, storage, estimators, outcomes),
    *(parameters, networks, logs, secrets, notebooks, settings, layout, untested),
)
RULES: Mapping[str, Standard] = {
    rule.code: rule
    for rule in sorted(
        (rule for subject in _SUBJECTS for rule in subject.RULES), key=lambda rule: rule.code
    )
}
