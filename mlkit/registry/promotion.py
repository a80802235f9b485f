"""Make a version the champion, if every gate passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlkit.core.errors import RegistryError
from mlkit.registry import journal
from mlkit.registry.fetching import fetch
from mlkit.registry.references import Reference
from mlkit.registry.registry import Registry
from mlkit.registry.versions import Promotion, Version
from mlkit.training import workflow
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.lineage import gaps
from mlkit.training.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of a promotion.

    Attributes
    ----------
    version
        What was to be promoted.
    before
        The champion until then, if there was one.
    evaluation
        What the gates decided on; None if it was the champion already.
    entry
        What the journal says; None if a gate failed, or it was the champion already.
    """

    version: Version
    before: Version | None
    evaluation: Evaluation | None
    entry: Promotion | None


def promote(
    registry: Registry, reference: Reference, config: Config, *, data: str | Path, why: str
) -> Promoted:
    """Judge a version beside the champion, and put it in its place if every gate passes.

    Raises
    ------
    RegistryError
        If the version could not be built again, or another one was promoted
        meanwhile.
    """
    version = registry.get(reference)
    # What comes into the journal from here on makes this promotion void.
    history = journal.history(registry, version.name)
    after = history[-1].number if history else 0
    champion = journal.settle(registry, version.name)
    if champion is not None and champion.number == version.number:
        return Promoted(version=champion, before=champion, evaluation=None, entry=None)
    bundle = fetch(registry, version)
    check_lineage(version, bundle.manifest.lineage)
    other = fetch(registry, champion).path if champion else None
    evaluation = workflow.evaluate(config, bundle, data, other)
    entry = None
    if evaluation.passed:
        entry = journal.enter(registry, version, kind="promote", why=why, after=after)
        journal.settle(registry, version.name)
    return Promoted(version=version, before=champion, evaluation=evaluation, entry=entry)


def check_lineage(version: Version, lineage: Mapping[str, Any]) -> None:
    """Raise a RegistryError if a version could not be built again from what is recorded."""
    found = gaps(lineage)
    if found:
        raise RegistryError(
            f"{version} could not be built again: {found}. Then train, register and promote anew."
        )
