"""One model that is served: which bundle answers, and what is left behind."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from time import perf_counter, time
from typing import Any

import msgspec

from mlkit.core.log import get_logger
from mlkit.core.receipts import Receipt, Role
from mlkit.scoring.results import Prediction
from mlkit.serving.deployment import Deployment, Record, is_chosen
from mlkit.serving.journal import Journal
from mlkit.serving.settings import Canary
from mlkit.serving.slots import Slot

log = get_logger(__name__)
#: With more records a request is scored in a thread, so that others are answered meanwhile.
MOST_INLINE = 64


class Model:
    """What answers under one name.

    Parameters
    ----------
    name
        In addresses and receipts.
    slots
        By their role; there always is a champion.
    canary
        What the canary answers, if there is one.
    journal
        Where receipts go, if anywhere.
    executor
        Runs what takes long.
    """

    def __init__(
        self,
        name: str,
        slots: Mapping[Role, Slot],
        *,
        canary: Canary | None,
        journal: Journal | None,
        executor: Executor,
    ) -> None:
        self.name = name
        self.slots = slots
        self._canary = canary
        self._journal = journal
        self._executor = executor
        self._encoder = msgspec.json.Encoder()
        # The loop itself would forget them.
        self._shadows: set[asyncio.Task[None]] = set()

    @property
    def champion(self) -> Deployment:
        """The bundle that answers all that no canary does."""
        return self.slots["champion"].deployment

    async def answer(self, records: Sequence[Record], request_id: str) -> list[Prediction]:
        """Return a prediction of each record, and leave the receipts.

        Raises
        ------
        DataError
            Naming every field that breaks the schema.
        """
        if self._canary is None:
            answer = await self._score(self.champion, records, request_id)
        else:
            answer = await self._share(self._canary, records, request_id)
        if "shadow" in self.slots:
            shadow = asyncio.create_task(self._shadow(records, request_id))
            self._shadows.add(shadow)
            shadow.add_done_callback(self._shadows.discard)
        return answer

    async def finish(self) -> None:
        """Wait for the shadow."""
        await asyncio.gather(*self._shadows)

    async def _share(
        self, canary: Canary, records: Sequence[Record], request_id: str
    ) -> list[Prediction]:
        """Let the canary answer its share, key by key."""
        keys = [request_id if canary.key is None else str(r.get(canary.key)) for r in records]
        chosen = [is_chosen(key, canary.share, self.name) for key in keys]
        found: list[Prediction | None] = [None] * len(records)
        roles: tuple[Role, Role] = ("champion", "canary")
        for role in roles:
            places = [place for place, each in enumerate(chosen) if each is (role == "canary")]
            if not places:
                continue
            asked = [records[place] for place in places]
            deployment = self.slots[role].deployment
            rows = places if len(places) < len(records) else None
            predictions = await self._score(deployment, asked, request_id, rows)
            for place, prediction in zip(places, predictions, strict=True):
                found[place] = prediction
        return [prediction for prediction in found if prediction is not None]

    async def _shadow(self, records: Sequence[Record], request_id: str) -> None:
        deployment = self.slots["shadow"].deployment
        try:
            await self._score(deployment, records, request_id)
        except Exception as error:  # noqa: BLE001
            log.warning("shadow_failed", bundle=deployment.model, kind=type(error).__name__)

    async def _score(
        self,
        deployment: Deployment,
        records: Sequence[Record],
        request_id: str,
        rows: list[int] | None = None,
    ) -> list[Prediction]:
        if len(records) <= MOST_INLINE:
            predictions, line = self._work(deployment, records, request_id, rows)
        else:
            predictions, line = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._work, deployment, records, request_id, rows
            )
        if self._journal is not None and predictions:
            self._journal.add(line, now=len(records) > MOST_INLINE)
        return predictions

    def _work(
        self,
        deployment: Deployment,
        records: Sequence[Record],
        request_id: str,
        rows: list[int] | None,
    ) -> tuple[list[Prediction], Callable[[], bytes]]:
        """Return the predictions, and what makes their receipt."""
        start = perf_counter()
        predictions = deployment.predict(records)
        ms = (perf_counter() - start) * 1000
        deployment.count(records, predictions)

        def line(answered: float = time()) -> bytes:
            receipt = Receipt(
                id=request_id,
                time=answered,
                name=self.name,
                model=deployment.model,
                digest=deployment.digest,
                schema=deployment.schema,
                ms=round(ms, 3),
                records=deployment.kept(records),
                label=[each.label for each in predictions],
                probability=_known([each.probability for each in predictions]),
                probabilities=_known([each.probabilities for each in predictions]),
                role=deployment.role,
                rows=rows,
            )
            return self._encoder.encode(receipt)

        if len(records) > MOST_INLINE and self._journal is not None:
            # This is a thread, where it holds up nobody.
            return predictions, partial(bytes, line())
        return predictions, line


def _known(values: list[Any]) -> list[Any] | None:
    """Return values, or None where the task has none."""
    return None if values[0] is None else values
