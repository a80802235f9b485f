"""The rules, by their codes."""

from collections.abc import Mapping

from mlkit.standards.rule import Rule
from mlkit.standards.rules import (
    columns,
    estimators,
    frames,
    logs,
    networks,
    outcomes,
    parameters,
    samplers,
    scoring,
    secrets,
    seeds,
    splits,
    storage,
    tuning,
)

_SUBJECTS = (
    *(splits.RULES, scoring.RULES, tuning.RULES),
    *(seeds.RULES, samplers.RULES),
    *(frames.RULES, columns.RULES),
    storage.RULES,
    *(estimators.RULES, outcomes.RULES, parameters.RULES, networks.RULES),
    *(logs.RULES, secrets.RULES),
)
RULES: Mapping[str, Rule] = {
    rule.code: rule
    for rule in sorted((rule for rules in _SUBJECTS for rule in rules), key=lambda rule: rule.code)
}
