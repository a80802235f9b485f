"""All that one process serves: its models, their changes, its counts and its log."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from mlkit.core.bundle import SCHEMA
from mlkit.core.errors import ConfigError, nearest
from mlkit.core.log import get_logger
from mlkit.core.receipts import Role
from mlkit.scoring.results import Prediction
from mlkit.serving.bodies import Bodies
from mlkit.serving.deployment import Deployment, Record, load_deployment
from mlkit.serving.journal import Journal
from mlkit.serving.metrics import Metrics
from mlkit.serving.model import MOST_INLINE, Model
from mlkit.serving.refusals import Refused, busy
from mlkit.serving.rotation import Rotation
from mlkit.serving.settings import Settings
from mlkit.serving.slots import Slot
from mlkit.serving.spares import Spare

log = get_logger(__name__)


class Service:
    """The models of one process.

    Parameters
    ----------
    settings
        What is served, and how.
    places
        Where the bundle of each text in the settings lies: its folder, or a file that
        holds the folder's path.
    trusted, signers
        See `Predictor.load`.
    spares
        Where bundles in use are kept for other processes, if there are any.

    Attributes
    ----------
    models
        By their name.
    bodies
        What requests bring.
    is_draining
        Whether it takes no more than it has.

    Raises
    ------
    BundleError
        If a bundle cannot be used.
    ConfigError
        If two models have the same name.
    """

    def __init__(
        self,
        settings: Settings,
        places: Mapping[str, Path],
        *,
        trusted: Sequence[str],
        signers: Sequence[str] | None,
        spares: Path | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.bodies = Bodies(settings.limits)
        self.is_draining = False
        self._batches = 0
        # One thread: two batches at once would only share the processor.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mlkit-batch")
        self.journal: Journal | None = None
        if settings.log.folder is not None:
            folder = Path(settings.log.folder)
            self._rotation = Rotation(folder)
            self.journal = Journal(
                folder, settings.log, lost=self.metrics.lost.inc, closed=self._rotation.start
            )
            # What processes left that ended.
            self._rotation.start()
        self.models: dict[str, Model] = {}
        for position, each in enumerate(settings.models):
            slots: dict[Role, Slot] = {}
            texts: dict[Role, str | None] = {
                "champion": each.bundle,
                "shadow": each.shadow,
                "canary": each.canary.bundle if each.canary else None,
            }
            name = each.name
            for role, text in texts.items():
                if text is None:
                    continue
                load = partial(self._load, name=name, role=role, trusted=trusted, signers=signers)
                first = slots["champion"].deployment if slots else None
                spare = Spare(spares / f"{position}-{role}") if spares else None
                slots[role] = Slot(places[text], load, first, spare)
                self._tell(slots[role].deployment, None)
                name = name or slots[role].deployment.name
            if name in self.models:
                raise ConfigError(f"Two models are called {name}. Give one another name.")
            model = Model(
                str(name),
                slots,
                canary=each.canary,
                journal=self.journal,
                executor=self._executor,
            )
            self.models[model.name] = model

    def find(self, name: str | None) -> Model:
        """Return a model by its name, or the first.

        Raises
        ------
        Refused
            If there is none of that name.
        """
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            shown = name[:60]
            raise Refused(404, "model", f"No model {shown} here. {nearest(shown, self.models)}")
        return self.models[name]

    async def answer(
        self,
        model: Model,
        records: Sequence[Record],
        request_id: str,
        *,
        by_champion: bool = False,
    ) -> list[Prediction]:
        """Return a prediction of each record; see `Model.answer`.

        Raises
        ------
        Refused
            If too many batches wait.
        """
        answer = partial(model.answer, records, request_id, by_champion=by_champion)
        if len(records) <= MOST_INLINE:
            return await answer()
        if self._batches >= self.settings.limits.batches:
            raise busy("Too many batches wait. Send this one again later.")
        self._batches += 1
        try:
            return await answer()
        finally:
            self._batches -= 1

    async def watch(self) -> None:
        """Take what comes into the models' places, for as long as the service runs."""
        while True:
            await asyncio.sleep(min(self.settings.watch_seconds, 1))
            for model in self.models.values():
                for role, slot in model.slots.items():
                    await self._change(model, role, slot)

    async def _change(self, model: Model, role: Role, slot: Slot) -> None:
        start = perf_counter()
        changes = partial(self.metrics.changes.labels, model.name, role)
        try:
            # The old bundle answers meanwhile.
            found = await asyncio.to_thread(slot.find)
        except Exception as error:  # noqa: BLE001
            # Whatever a bundle may do, the next one is looked for.
            changes("refused").inc()
            log.error(
                "bundle_refused",
                model=model.name,
                role=role,
                kept=slot.deployment.model,
                kind=type(error).__name__,
                reason=str(error),
            )
            return
        if found is None:
            return
        before, slot.deployment = slot.deployment, found
        self._tell(found, before)
        changes("taken").inc()
        log.info(
            "bundle_taken",
            model=model.name,
            role=role,
            bundle=found.model,
            before=before.model,
            seconds=round(perf_counter() - start, 3),
        )

    async def close(self) -> None:
        """Let shadows end, and write what is left of the log."""
        for model in self.models.values():
            await model.finish()
        self._executor.shutdown(cancel_futures=True)
        if self.journal is not None:
            self.journal.close()
            self._rotation.stop()

    def _load(
        self,
        path: Path,
        before: Deployment | None,
        *,
        name: str | None,
        role: Role,
        trusted: Sequence[str],
        signers: Sequence[str] | None,
    ) -> Deployment:
        deployment = load_deployment(
            path,
            before,
            name=name,
            role=role,
            metrics=self.metrics,
            trusted=trusted,
            signers=signers,
        )
        if self.journal is not None:
            self.journal.keep_schema(deployment.schema, deployment.predictor.bundle.read(SCHEMA))
        return deployment

    def _tell(self, deployment: Deployment, before: Deployment | None) -> None:
        self.metrics.took(
            deployment.name,
            deployment.role,
            deployment.version,
            before.version if before else None,
            deployment.data_end,
        )
