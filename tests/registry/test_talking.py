"""What passes by itself is tried again; what MLflow refuses is not, and is told as that."""

import os
import subprocess
import sys

import pytest
from projects import ROOT

from mlkit.core.errors import RegistryError, UnreachableError
from mlkit.registry import connection, outbox
from mlkit.registry.connection import talk
from mlkit.registry.tracking import sync

URI = "sqlite:////blocked-users/full/mlruns.db"


class Failing:
    """Fails with an error the first time, and returns "done" from then on."""

    def __init__(self, error: Exception) -> None:
        self.error, self.calls = error, 0

    def __call__(self) -> str:
        """Fail the first time."""
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return "done"


def test_who_waits_for_a_lock_gets_what_was_asked():
    """Another writer was there first."""
    from mlflow.exceptions import MlflowException

    assert talk(URI, Failing(MlflowException("(sqlite3.OperationalError) database is locked")))


def test_a_path_is_no_reason_to_wait(monkeypatch):
    """Words of the address decide neither whether it is tried again, nor what to do."""
    call = Failing(PermissionError(13, "Permission denied", "/blocked-users/full/mlruns.db"))
    with pytest.raises(UnreachableError, match=r"its folder is there and may be written\.$"):
        talk(URI, call)
    assert call.calls == 1


def test_what_mlflow_refuses_is_not_asked_again():
    """It answered, whatever words its answer has."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    call = Failing(MlflowException("The name 'x is locked' is wrong", INVALID_PARAMETER_VALUE))
    with pytest.raises(RegistryError, match="refuses: The name") as caught:
        talk(URI, call)
    assert not isinstance(caught.value, UnreachableError)
    assert connection.code_of(caught.value) == "INVALID_PARAMETER_VALUE"
    assert call.calls == 1


def test_a_run_that_is_refused_holds_no_other_up(uri, tracker, tmp_path):
    """The others are sent; the error names the one, and it waits to be mended."""
    folders = {}
    for name, params in (("bad", {"a(b": "1"}), ("damaged", {}), ("good", {"ab": "1"})):
        run = outbox.Run(
            id=f"{name}-run",
            kind="tune",
            name="held-up",
            started=1,
            ended=2,
            params=params,
            metrics={},
            tags={},
        )
        folders[name] = outbox.keep(tmp_path / "outbox", run, {})
    (folders["damaged"] / outbox.RUN).write_text("{")
    with pytest.raises(RegistryError, match=r"1 were sent, and 2 cannot be: .*bad-run: .*a\(b"):
        sync(uri, tmp_path / "outbox")
    assert outbox.pending(tmp_path / "outbox") == [folders["damaged"], folders["bad"]]
    finished = [run.info.status for run in tracker.search("held-up", {"mlkit.run": "good-run"})]
    assert finished == ["FINISHED"]


def test_mlflow_reports_nothing_to_its_makers(tmp_path):
    """Neither where it is loaded beside other work: what it reports is decided at its import."""
    script = (
        "import sys; from mlkit.registry.connection import warm_up\n"
        "warm_up(sys.argv[1])\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )
    # On CI it reports nothing anyway.
    hidden = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", script, "http://127.0.0.1:9"],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"
