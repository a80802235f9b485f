"""One model that is served: which bundle answers, and what is left behind."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from time import perf_counter, time
from typing import Any

from mlkit.core.errors import ConfigError, DataError, nearest
from mlkit.core.log import get_logger
from mlkit.core.receipts import Receipt, Role
from mlkit.scoring.results import Prediction
from mlkit.serving.deployment import Deployment, Record, is_chosen
from mlkit.serving.journal import Journal, Line, encoded
from mlkit.serving.settings import Canary
from mlkit.serving.slots import Slot

log = get_logger(__name__)
#: With more records a request is scored in a thread, so that others are answered meanwhile.
MOST_INLINE = 64
#: Requests that may wait for their shadow; it sees no others meanwhile.
_MOST_SHADOWS = 64


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

    Raises
    ------
    ConfigError
        If the canary's key is no field of the schema.
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
        # The loop itself would forget them.
        self._shadows: set[asyncio.Task[None]] = set()
        if canary is not None and canary.key is not None:
            _check_key(name, canary.key, self.champion)

    @property
    def champion(self) -> Deployment:
        """The bundle that answers all that no canary does."""
        return self.slots["champion"].deployment

    async def answer(
        self, records: Sequence[Record], request_id: str, *, by_champion: bool = False
    ) -> list[Prediction]:
        """Return a prediction of each record, and leave the receipts.

        With `by_champion` no canary takes its share.

        Raises
        ------
        DataError
            Naming every field that breaks the schema.
        """
        if self._canary is None or by_champion:
            answer, line = await self._score(self.champion, records, request_id)
            self._leave(line)
        else:
            answer = await self._share(self._canary, records, request_id)
        if "shadow" in self.slots:
            self._show(records, request_id)
        return answer

    async def finish(self) -> None:
        """Wait for the shadows that have begun."""
        if self._shadows:
            await asyncio.wait(self._shadows)

    async def _share(
        self, canary: Canary, records: Sequence[Record], request_id: str
    ) -> list[Prediction]:
        """Let the canary answer its share, key by key."""
        places: dict[Role, list[int]] = {"champion": [], "canary": []}
        for place, record in enumerate(records):
            text = self._key(canary, record) or request_id
            is_canary = is_chosen(text, canary.share, self.name)
            places["canary" if is_canary else "champion"].append(place)
        found: list[Prediction] = [None] * len(records)  # type: ignore[list-item]
        lines = []
        for role, chosen in places.items():
            if not chosen:
                continue
            score = self._score_or_champion if role == "canary" else self._score
            asked = [records[place] for place in chosen]
            try:
                deployment = self.slots[role].deployment
                rows = chosen if len(chosen) < len(records) else None
                predictions, line = await score(deployment, asked, request_id, rows)
            except DataError:
                # It names positions in this part. The champion refuses all, by their own.
                await self._score(self.champion, records, request_id)
                raise
            lines.append(line)
            for place, prediction in zip(chosen, predictions, strict=True):
                found[place] = prediction
        for line in lines:
            self._leave(line)
        return found

    def _key(self, canary: Canary, record: Record) -> str | None:
        """Return by what a record always meets the same bundle, however it was written."""
        if canary.key is None:
            return None
        try:
            key = self.champion.predictor.schema.parse(record).get(canary.key)
        except DataError:
            # Whoever is asked refuses it.
            return None
        return None if key is None else str(key)

    async def _score_or_champion(
        self,
        deployment: Deployment,
        records: Sequence[Record],
        request_id: str,
        rows: list[int] | None,
    ) -> tuple[list[Prediction], Line]:
        try:
            return await self._score(deployment, records, request_id, rows)
        except Exception as error:  # noqa: BLE001
            # A record that the champion refuses as well is the caller's fault.
            answer = await self._score(self.champion, records, request_id, rows)
            _tell_failure(deployment, request_id, error)
            return answer

    def _show(self, records: Sequence[Record], request_id: str) -> None:
        """Let the shadow score what was answered, once the answer is on its way."""
        deployment = self.slots["shadow"].deployment
        if len(self._shadows) >= _MOST_SHADOWS:
            deployment.failures.inc()
            return
        shadow = asyncio.create_task(self._shadow(deployment, records, request_id))
        self._shadows.add(shadow)
        shadow.add_done_callback(self._shadows.discard)

    async def _shadow(
        self, deployment: Deployment, records: Sequence[Record], request_id: str
    ) -> None:
        try:
            _, line = await self._score(deployment, records, request_id)
        except Exception as error:  # noqa: BLE001
            _tell_failure(deployment, request_id, error)
        else:
            self._leave(line)

    def _leave(self, line: Line) -> None:
        if self._journal is not None:
            self._journal.add(line)

    async def _score(
        self,
        deployment: Deployment,
        records: Sequence[Record],
        request_id: str,
        rows: list[int] | None = None,
    ) -> tuple[list[Prediction], Line]:
        """Return a prediction of each record, and the receipt; `rows` are their places."""
        if len(records) <= MOST_INLINE:
            return self._work(deployment, records, request_id, rows)

        def work() -> tuple[list[Prediction], Line]:
            predictions, line = self._work(deployment, records, request_id, rows)
            return predictions, encoded(line())

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _work(
        self,
        deployment: Deployment,
        records: Sequence[Record],
        request_id: str,
        rows: list[int] | None,
    ) -> tuple[list[Prediction], Callable[[], Receipt]]:
        start = perf_counter()
        predictions = deployment.predict(records)
        ms = (perf_counter() - start) * 1000
        deployment.count(records, predictions)

        def line(answered: float = time()) -> Receipt:
            return Receipt(
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

        return predictions, line


def _known(values: list[Any]) -> list[Any] | None:
    """Return values, or None where the task has none."""
    return None if None in values else values


def _tell_failure(deployment: Deployment, request_id: str, error: Exception) -> None:
    deployment.failures.inc()
    log.warning(
        f"{deployment.role}_failed",  # mlkit: ignore[MLK603] there are two roles
        request=request_id,
        bundle=deployment.model,
        # Its text may have a value of the record.
        kind=type(error).__name__,
    )


def _check_key(name: str, key: str, champion: Deployment) -> None:
    valid = [c.name for c in champion.predictor.schema.columns.values() if c.known_before]
    if key not in valid:
        raise ConfigError(f"The canary of {name} has the key {key}. {nearest(key, valid)}")
