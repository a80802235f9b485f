"""Ask a service without pause, and remember what it answered."""

import http.client
import itertools
import json
import threading
from collections import Counter
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from mlkit.history.reading import read_log
from mlkit.history.replaying import RECEIPT

_LOADS = itertools.count()


@dataclass(frozen=True)
class Answer:
    """What one request got, and when; a status of 0 is a connection that broke."""

    id: str
    status: int
    model: str
    moment: float


class Load:
    """Threads that each ask one request after the other, while the block runs."""

    def __init__(self, address: str, record: dict, n_threads: int = 3) -> None:
        parts = urlsplit(address)
        self._place = (parts.hostname, parts.port)
        self._body = json.dumps(record)
        self._is_over = threading.Event()
        self._number = next(_LOADS)
        self.answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(n_threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def statuses(self) -> Counter:
        """Return how many answers had each status."""
        return Counter(answer.status for answer in self.answers)

    def answered(self, before: float = inf) -> set[str]:
        """Return the requests that were answered before a moment."""
        return {each.id for each in self.answers if each.status == 200 and each.moment < before}

    def _ask(self, thread: int) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=60)
        for number in itertools.count():
            if self._is_over.is_set():
                break
            name = f"{self._number}-{thread}-{number}"
            headers = {"content-type": "application/json", "x-request-id": name}
            try:
                connection.request("POST", "/predict", self._body, headers)
                answer = connection.getresponse()
                content = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                connection.close()
                self.answers.append(Answer(name, 0, "", monotonic()))
            else:
                model = content.get("model", "")
                self.answers.append(Answer(name, answer.status, model, monotonic()))
        connection.close()


def receipts(folder: Path) -> list[dict]:
    """Return whose receipts a log holds, and of how many records each is."""
    frame = read_log(folder)
    sizes = frame.groupby([*RECEIPT, "model"], sort=False).size()
    return sizes.reset_index(name="n_records").to_dict("records")
