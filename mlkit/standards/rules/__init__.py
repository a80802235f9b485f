"""The rules, by their codes."""

from collections.abc import Mapping

from mlkit.standards.rule import Rule
from mlkit.standards.rules import estimators, frames, logs, secrets, seeds, splits, storage

RULES: Mapping[str, Rule] = {
    rule.code: rule
    for subject in (splits, seeds, frames, storage, estimators, logs, secrets)
    for rule in subject.RULES
}
