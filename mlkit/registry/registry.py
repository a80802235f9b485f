"""Keep versions of models, and which of them is the champion.

A version is one bundle, for good. Who became champion, by whom and why stands in a
journal: MLflow's model `NAME.promotions`, of which each version is one promotion.
MLflow numbers versions one after the other and gives no number twice, so that of two
promotions that began from the same champion the first wins and the second is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from getpass import getuser
from typing import TYPE_CHECKING, Any

from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError
from mlkit.core.names import NAME
from mlkit.registry.connection import ABSENT, EXISTS, code_of, talk
from mlkit.registry.references import Reference, check_name
from mlkit.registry.tracking import DATA, DIGEST, KIND, MODEL, Tracker
from mlkit.registry.versions import (
    ENTRY_AFTER,
    ENTRY_BY,
    ENTRY_KIND,
    ENTRY_VERSION,
    Promotion,
    Version,
    has_digest,
    promotion_of,
    version_of,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
_JOURNAL = ".promotions"
#: The most that MLflow tells at once.
_PAGE = 1000


class Registry:
    """The versions of models in MLflow, and the journal of their champions.

    Parameters
    ----------
    tracker
        The runs that have the bundles.

    Raises
    ------
    RegistryError
        By every method, if MLflow does not answer or does not hold what was asked for.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.uri, self.client = tracker.uri, tracker.client

    def register(self, bundle: Bundle) -> Version:
        """Return the version of a bundle, a new one unless it is there already.

        Raises
        ------
        RegistryError
            If no run has the bundle whole.
        """
        name, digest = bundle.manifest.name, bundle.manifest.digest
        if (found := self.with_digest(name, digest)) is not None:
            return found
        # A run that was evaluated has the digest as well, but not the bundle.
        runs = self.tracker.search(name, {DIGEST: digest, KIND: "train"})
        run = next((run for run in runs if run.info.status == "FINISHED"), None)
        if run is None:
            raise RegistryError(
                f"No finished run in the tracking store has the bundle {bundle.model}. Train with "
                "tracking.uri set, or send runs that wait: mlkit sync."
            )
        self._make(name)
        data = bundle.manifest.lineage.get("data", {}).get("fingerprint", "")
        made = talk(
            self.uri,
            lambda: self.client.create_model_version(
                name,
                f"{run.info.artifact_uri}/{MODEL}",
                run_id=run.info.run_id,
                tags={DIGEST: digest, DATA: data},
            ),
        )
        first = self.with_digest(name, digest)
        if first is None or first.number == int(made.version):
            return version_of(made)
        # Another process registered the same bundle meanwhile.
        talk(self.uri, lambda: self.client.delete_model_version(name, made.version))
        return first

    def get(self, reference: Reference) -> Version:
        """Return the version that is meant."""
        name, number, alias = reference.name, reference.version, reference.alias
        try:
            found = talk(
                self.uri,
                lambda: (
                    self.client.get_model_version(name, str(number))
                    if alias is None
                    else self.client.get_model_version_by_alias(name, alias)
                ),
            )
        except RegistryError as error:
            if code_of(error) not in ABSENT:
                raise
            raise RegistryError(f"There is no {reference}. {self._known(name)}") from None
        if not has_digest(found):
            raise RegistryError(
                f"{reference} was not registered by mlkit: it has no bundle's digest. "
                f"{self._known(name)}"
            )
        return version_of(found)

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a model, the newest first; those not by mlkit are left out."""
        found = [version for version in self._listed(name) if has_digest(version)]
        # MLflow's search leaves the aliases out.
        aliases = self._aliases(name) if found else {}
        return [
            replace(version, aliases=aliases.get(version.number, ()))
            for version in map(version_of, found)
        ]

    def with_digest(self, name: str, digest: str) -> Version | None:
        """Return the first version that has a bundle, if any."""
        found = [version for version in self.versions(name) if version.digest == digest]
        return found[-1] if found else None

    def names(self) -> list[str]:
        """Return the names of all models."""
        found = self._paged(self.client.search_registered_models)
        return sorted(model.name for model in found if NAME.fullmatch(model.name))

    def metrics(self, version: Version) -> dict[str, float]:
        """Return the figures of the run that made a version."""
        run = talk(self.uri, lambda: self.client.get_run(version.run_id))
        return dict(run.data.metrics)

    def history(self, name: str) -> list[Promotion]:
        """Return what changed the champion, the oldest first; what lost a race is left out."""
        found = sorted(
            (promotion_of(entry) for entry in self._listed(name, _JOURNAL)),
            key=lambda promotion: promotion.number,
        )
        kept: list[Promotion] = []
        for promotion in found:
            if promotion.after == (kept[-1].number if kept else 0):
                kept.append(promotion)
        return kept

    def champion(self, name: str) -> Version | None:
        """Return the champion that the journal names, and mend the alias if it lags behind."""
        history = self.history(name)
        if not history:
            return None
        return self.point(name, CHAMPION, history)

    def point(self, name: str, alias: str, history: Sequence[Promotion]) -> Version:
        """Let the alias follow the journal, which may go on meanwhile; return the champion."""
        while True:
            number = history[-1].version
            champion = self.get(Reference(name=name, version=number))
            if alias not in champion.aliases:
                self.set_alias(champion, alias)
            history = self.history(name)
            if history[-1].version == number:
                return champion

    def set_alias(self, version: Version, alias: str) -> None:
        """Point an alias to a version."""
        talk(
            self.uri,
            lambda: self.client.set_registered_model_alias(
                version.name, alias, str(version.number)
            ),
        )

    def enter(self, version: Version, *, kind: str, why: str, after: int) -> Promotion:
        """Write one promotion to the journal, and return it.

        Raises
        ------
        RegistryError
            If another was written since number `after`; the champion is then that one's.
        """
        name = version.name
        self._make(name + _JOURNAL)
        tags = {
            ENTRY_KIND: kind,
            ENTRY_VERSION: str(version.number),
            ENTRY_AFTER: str(after),
            ENTRY_BY: _user(),
        }
        talk(
            self.uri,
            lambda: self.client.create_model_version(
                name + _JOURNAL, f"models:/{version}", tags=tags, description=why
            ),
        )
        # A server may have been asked twice, and then lets the same entry lose against itself.
        won = next(entry for entry in self.history(name) if entry.after == after)
        if won.version != version.number:
            raise RegistryError(
                f"{won.by} made {name}/{won.version} the champion meanwhile; {version} was not "
                "promoted. Look at mlkit models, and promote again if it still should be."
            )
        return won

    def _aliases(self, name: str) -> dict[int, tuple[str, ...]]:
        pointed = talk(self.uri, lambda: self.client.get_registered_model(name)).aliases
        numbers = {int(number) for number in pointed.values()}
        return {n: tuple(sorted(a for a, m in pointed.items() if int(m) == n)) for n in numbers}

    def _make(self, name: str) -> None:
        try:
            talk(self.uri, lambda: self.client.create_registered_model(name))
        except RegistryError as error:
            if code_of(error) != EXISTS:
                raise

    def _listed(self, name: str, suffix: str = "") -> "list[ModelVersion]":
        check_name(name)
        found = self._paged(partial(self.client.search_model_versions, f"name='{name}{suffix}'"))
        return sorted(found, key=lambda version: -int(version.version))

    def _paged(self, search: Callable[..., Any]) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = talk(self.uri, partial(search, max_results=_PAGE, page_token=token))
            found += page
            token = page.token
            if not token:
                return found

    def _known(self, name: str) -> str:
        versions = self.versions(name)
        if not versions:
            names = self.names()
            return f"Models: {', '.join(names)}." if names else "Nothing was registered yet."
        aliases = sorted(f"@{alias}" for version in versions for alias in version.aliases)
        return (
            f"Versions: {versions[-1].number} to {versions[0].number}; aliases: "
            + (", ".join(aliases) or "none")
            + "."
        )


def _user() -> str:
    try:
        return getuser()
    except OSError:
        return "unknown"
