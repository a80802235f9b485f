"""The journal of champions: who became champion, by whom and why.

It is MLflow's model `NAME.promotions`, of which each version is one change of the
champion. MLflow numbers versions one after the other and gives no number twice, so that
of two promotions that began from the same champion the first wins and the second is told.
The alias `champion` follows the journal.
"""

from collections.abc import Container, Sequence
from getpass import getuser

from mlkit.core.errors import RegistryError, listed
from mlkit.core.log import get_logger
from mlkit.registry.connection import talk
from mlkit.registry.fetching import fetch
from mlkit.registry.references import check_name
from mlkit.registry.registry import CHAMPION, Registry
from mlkit.registry.versions import (
    ENTRY_AFTER,
    ENTRY_BY,
    ENTRY_KIND,
    ENTRY_VERSION,
    Promotion,
    Version,
    promotion_of,
)

log = get_logger(__name__)

_SUFFIX = ".promotions"


def history(registry: Registry, name: str) -> list[Promotion]:
    """Return what changed the champion, the oldest first; what lost a race is left out."""
    check_name(name)
    kept: list[Promotion] = []
    for promotion in map(promotion_of, reversed(registry.listed(name + _SUFFIX))):
        if promotion.after == (kept[-1].number if kept else 0):
            kept.append(promotion)
    return kept


def settle(registry: Registry, name: str) -> Version | None:
    """Point the alias to the champion that the journal names, and return it.

    The alias lags behind after a kill. Where the champion was deleted in MLflow, the
    one before it that is still there takes its place.
    """
    while True:
        # It may go on meanwhile.
        changes = history(registry, name)
        there = {version.number: version for version in registry.versions(name)}
        champions = _champions(changes, there)
        champion = there[champions[-1]] if champions else None
        if changes and changes[-1].version not in there:
            log.warning(
                "champion_missing",
                model=f"{name}/{changes[-1].version}",
                instead=str(champion) if champion else None,
            )
        if champion is None or CHAMPION in champion.aliases:
            return champion
        registry.set_alias(champion, CHAMPION)


def enter(registry: Registry, version: Version, *, kind: str, why: str, after: int) -> Promotion:
    """Write one promotion to the journal, and return it.

    Raises
    ------
    RegistryError
        If another was written since number `after`; the champion is then that one's.
    """
    name = version.name
    registry.make(name + _SUFFIX)
    tags = {
        ENTRY_KIND: kind,
        ENTRY_VERSION: str(version.number),
        ENTRY_AFTER: str(after),
        ENTRY_BY: _user(),
    }
    talk(
        registry.uri,
        lambda: registry.client.create_model_version(
            name + _SUFFIX, f"models:/{version}", tags=tags, description=why
        ),
    )
    # A server may have been asked twice, and then lets the same entry lose against itself.
    won = next(entry for entry in history(registry, name) if entry.after == after)
    if won.version != version.number:
        raise RegistryError(
            f"{won.by} made {name}/{won.version} the champion meanwhile; {version} was not "
            "promoted. Look at mlkit models, and promote again if it still should be."
        )
    return won


def rollback(registry: Registry, name: str, *, why: str) -> Version:
    """Make the champion before the present one the champion again; return it.

    Done twice, it goes back two champions. One that was interrupted is completed, and
    so is what a champion that was deleted in MLflow left to do.

    Raises
    ------
    RegistryError
        If there was none before.
    """
    changes = history(registry, name)
    there = {version.number: version for version in registry.versions(name)}
    champions = _champions(changes, there)
    if champions:
        begun = changes[-1].kind == "rollback" or changes[-1].version not in there
        if begun and CHAMPION not in there[champions[-1]].aliases:
            return settle(registry, name) or there[champions[-1]]
    before = next((number for number in reversed(champions) if number != champions[-1]), None)
    if before is None:
        gone = sorted({change.version for change in changes} - set(there))
        raise RegistryError(
            f"{name} has had {len(champions)} champion{'s' * (len(champions) != 1)}"
            + (f", beside those deleted since ({listed(gone)})" if gone else "")
            + ": there is none to go back to."
        )
    # A bundle that cannot be had must not become the champion.
    fetch(registry, there[before])
    enter(registry, there[before], kind="rollback", why=why, after=changes[-1].number)
    return settle(registry, name) or there[before]


def _champions(changes: Sequence[Promotion], there: Container[int]) -> list[int]:
    """Return the champions that a rollback can go back through, the present one last."""
    champions: list[int] = []
    for change in changes:
        if change.kind == "promote":
            champions.append(change.version)
            continue
        champions.pop()
        # Those between were deleted when it went back.
        while champions and champions[-1] != change.version:
            champions.pop()
    return [number for number in champions if number in there]


def _user() -> str:
    try:
        return getuser()
    except OSError:
        return "unknown"
