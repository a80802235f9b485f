"""What the registry holds: versions, and the entries of the journal of champions."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlkit.registry.tracking import DATA, DIGEST

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

#: Tags of a journal's entry.
ENTRY_KIND, ENTRY_VERSION, ENTRY_AFTER, ENTRY_BY = (
    "mlkit.kind",
    "mlkit.version",
    "mlkit.after",
    "mlkit.by",
)
#: Nothing else may become a path in the cache.
_DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A bundle that was registered.

    Attributes
    ----------
    name, number
        The model's, and its own, from 1.
    digest
        Of its bundle.
    data
        The fingerprint of the rows that it was made from.
    run_id
        MLflow's id of the run that has the bundle.
    source
        Where MLflow keeps it.
    created
        When it was registered, UTC.
    aliases
        What points to it.
    """

    name: str
    number: int
    digest: str
    data: str
    run_id: str
    source: str
    created: datetime
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One change of the champion.

    Attributes
    ----------
    number
        Its place in the journal, from 1.
    kind
        promote, or rollback.
    version
        The champion from then on.
    after
        The number of the promotion that was the last when this one began; 0 for none.
    by, why
        Who did it, and the reason given.
    at
        When, UTC.
    """

    number: int
    kind: str
    version: int
    after: int
    by: str
    why: str
    at: datetime


def has_digest(found: "ModelVersion") -> bool:
    """Whether mlkit registered it."""
    return _DIGEST.fullmatch(found.tags.get(DIGEST, "")) is not None


def version_of(found: "ModelVersion") -> Version:
    """Return a version as MLflow tells it."""
    return Version(
        name=found.name,
        number=int(found.version),
        digest=found.tags[DIGEST],
        data=found.tags.get(DATA, ""),
        run_id=found.run_id or "",
        source=found.source or "",
        created=_at(found.creation_timestamp),
        aliases=tuple(sorted(found.aliases or ())),
    )


def promotion_of(found: "ModelVersion") -> Promotion:
    """Return an entry of the journal as MLflow tells it."""
    return Promotion(
        number=int(found.version),
        kind=found.tags[ENTRY_KIND],
        version=int(found.tags[ENTRY_VERSION]),
        after=int(found.tags[ENTRY_AFTER]),
        by=found.tags[ENTRY_BY],
        why=found.description or "",
        at=_at(found.creation_timestamp),
    )


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
