"""Keep versions of models: each is one bundle, for good, and aliases point to them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError
from mlkit.core.names import NAME
from mlkit.registry.connection import ABSENT, EXISTS, code_of, talk
from mlkit.registry.references import Reference, check_name
from mlkit.registry.tracking import DATA, DIGEST, KIND, MODEL, Tracker
from mlkit.registry.versions import Version, has_digest, version_of

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
#: The most that MLflow tells at once.
_PAGE = 1000


class Registry:
    """The versions of models in MLflow.

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
        self.make(name)
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
            raise RegistryError(f"There is no {reference}. {self.known(name)}") from None
        if not has_digest(found):
            raise RegistryError(
                f"{reference} was not registered by mlkit: it has no bundle's digest. "
                f"{self.known(name)}"
            )
        return version_of(found)

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a model, the newest first; those not by mlkit are left out."""
        check_name(name)
        found = [version for version in self.listed(name) if has_digest(version)]
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

    def set_alias(self, version: Version, alias: str) -> None:
        """Point an alias to a version."""
        talk(
            self.uri,
            lambda: self.client.set_registered_model_alias(
                version.name, alias, str(version.number)
            ),
        )

    def make(self, model: str) -> None:
        """Make sure that MLflow has a model of that name."""
        try:
            talk(self.uri, lambda: self.client.create_registered_model(model))
        except RegistryError as error:
            if code_of(error) != EXISTS:
                raise

    def listed(self, model: str) -> "list[ModelVersion]":
        """Return what MLflow has of a model, by mlkit or not, the newest first."""
        found = self._paged(partial(self.client.search_model_versions, f"name='{model}'"))
        return sorted(found, key=lambda version: -int(version.version))

    def known(self, name: str) -> str:
        """Say what there is of a model, or else which models there are."""
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

    def _aliases(self, name: str) -> dict[int, tuple[str, ...]]:
        pointed = talk(self.uri, lambda: self.client.get_registered_model(name)).aliases
        numbers = {int(number) for number in pointed.values()}
        return {n: tuple(sorted(a for a, m in pointed.items() if int(m) == n)) for n in numbers}

    def _paged(self, search: Callable[..., Any]) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = talk(self.uri, partial(search, max_results=_PAGE, page_token=token))
            found += page
            token = page.token
            if not token:
                return found
