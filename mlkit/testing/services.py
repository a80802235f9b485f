"""Run a service for the length of a test, as its users do: by its command, over HTTP."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mlkit.core.errors import CheckError

#: For how long a service may start, answer or stop, in s.
_PATIENCE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that runs.

    Attributes
    ----------
    address
        Of the form `http://127.0.0.1:PORT`.
    folder
        Where its prediction log lies, in `predictions`, and what it logged, in `service.log`.
    """

    address: str
    folder: Path

    def post(self, record: Any, model: str | None = None, **headers: str) -> tuple[int, Any]:
        """Ask for the prediction of a record, or of a list of them.

        Returns
        -------
        tuple
            The status, and what was answered.
        """
        path = "/predict" if model is None else f"/models/{model}/predict"
        body = json.dumps(record, default=str).encode()
        headers = {"Content-Type": "application/json", **headers}
        # The address is this machine's own.
        request = Request(self.address + path, data=body, headers=headers)  # noqa: S310
        try:
            with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)


@contextmanager
def serving(folder: Path, models: Sequence[dict[str, Any]]) -> Iterator[Service]:
    """Serve bundles on a free port of this machine, as `mlkit serve` does.

    Each receipt is written before its answer is sent.

    Parameters
    ----------
    folder
        Where the service's settings and its logs go.
    models
        As `models` in `conf/serving.yaml`: `{"bundle": folder}`, with `name`, `canary`, `shadow`.

    Raises
    ------
    CheckError
        If it does not start, with what it said.
    """
    log = {"folder": str(folder / "predictions"), "flush_seconds": 0}
    settings = {"port": 0, "watch_seconds": 0.1, "log": log, "models": list(models)}
    # JSON is YAML.
    (folder / "serving.yaml").write_text(json.dumps(settings, default=str), encoding="utf-8")
    command = [sys.executable, "-m", "mlkit", "serve", "--config", str(folder / "serving.yaml")]
    with (
        (folder / "service.log").open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is None:
                process.wait(_PATIENCE)
                said = (folder / "service.log").read_text(encoding="utf-8").strip()
                raise CheckError(f"The service does not start: {line.strip()}{said}")
            yield Service(address=address, folder=folder)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
