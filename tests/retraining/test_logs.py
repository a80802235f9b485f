"""A retraining that learns from the prediction log, once answers have come."""

import json
from pathlib import Path

import pandas as pd
import pytest
from logs_of_tests import logged
from retraining_of_tests import NAME, make_project, orders, outcome, registry, retrain

from mlkit.cli import main
from mlkit.monitoring.labels import add_labels
from mlkit.registry.fetching import fetch
from mlkit.retraining.state import State
from mlkit.serving.settings import Model
from mlkit.training.config import load_config
from mlkit.training.workflow import schema_of

pytestmark = pytest.mark.slow
LOG = Path("predictions")


@pytest.fixture
def served(database, tmp_path, monkeypatch) -> pd.DataFrame:
    """Work in a project whose champion answered for the orders after its data; return these."""
    frame = orders(60)
    folder = make_project(tmp_path / "project", frame[:300])
    (folder / "mlruns.db").write_bytes(database.read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert retrain(None) == 0
    champion = registry().versions(NAME)[0]
    # Ten of those that the file has are asked for, too.
    asked = frame[290:].drop(columns="returned").reset_index(drop=True)
    asked["ordered"] = asked["ordered"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    records = asked.to_dict("records")
    bundle = str(fetch(registry(), champion).path)
    requests = {f"r{place}": [record] for place, record in enumerate(records)}
    logged(LOG, requests, Model(name=NAME, bundle=bundle, shadow=bundle))
    return frame[290:].reset_index(drop=True)


def answer(frame: pd.DataFrame, n_rows: int) -> None:
    """Tell what became of the first of the requests."""
    table = pd.DataFrame({"id": [f"r{n}" for n in range(n_rows)]})
    table["returned"] = frame["returned"][:n_rows].to_numpy()
    add_labels(LOG, table, schema_of(load_config()))


def test_rows_are_learnt_from_once_their_answers_have_come(served, capsys):
    """Each once, though a shadow said the same, and but for those that the file has."""
    answer(served, 60)
    assert retrain(None, "retraining.source=log") == 0
    assert "No new model is due" in capsys.readouterr().out
    answer(served, 210)
    assert retrain(None, "retraining.source=log") == 0
    assert "200 rows with answers have come since tiny/1" in capsys.readouterr().out
    state = State(Path(".mlkit/retraining"))
    place = state.place("ingest", state.runs().steps["ingest"])
    counts = json.loads((place / "ingest.json").read_text())
    assert (counts["n_file"], counts["n_log"], counts["n_rows"]) == (300, 200, 500)
    data = pd.read_parquet(place / "data.parquet")
    expected = pd.concat([orders(60)[:300], served[10:210]], ignore_index=True)
    pd.testing.assert_frame_equal(
        data.sort_values("ordered", ignore_index=True).astype({"returned": bool}),
        expected,
        check_dtype=False,
    )
    assert [version[2] for version in outcome()["versions"]] == [["challenger", "champion"], []]


def test_later_receipts_are_left_out(served):
    """What was answered after the moment is no part of the past."""
    answer(served, 210)
    assert retrain(30, "decide", "--force", "retraining.source=log") == 0
    assert retrain(30, "ingest", "retraining.source=log") == 0
    state = State(Path(".mlkit/retraining"))
    place = state.place("ingest", state.runs().steps["ingest"])
    assert json.loads((place / "ingest.json").read_text())["n_log"] == 0


def test_drift_in_the_log_makes_a_model_due(served, capsys):
    """The policy tells the findings of the champion, and the answers must still be enough."""
    drifting = ["retraining.when.drift=warning", "retraining.when.new_rows=null"]
    watching = ["monitoring.least_rows=50", "monitoring.time=ordered", "monitoring.window=month"]
    assert (
        retrain(
            None,
            "--dry-run",
            *drifting,
            *watching,
            "monitoring.warning.psi=0.0001",
            "monitoring.level=0.99",
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "- Drift (" in out
    assert "0 rows with answers have come since tiny/1 was trained" in out


def test_a_log_that_is_not_there_is_told(served, capsys):
    """Only where rows of it are wanted."""
    assert retrain(None, "monitoring.log=nowhere") == 0
    assert retrain(None, "monitoring.log=nowhere", "retraining.source=log") == 2
    assert "there is no folder nowhere" in capsys.readouterr().err


def test_tuned_settings_are_taken_and_built_again(served, capsys):
    """The search goes first, and the version says what it was tuned on and can be rebuilt."""
    tuned = [
        "retraining.tune=true",
        "tuning.trials=3",
        "tuning.folds=2",
        "+tuning.space={model.estimator.C:{low:0.01,high:9.0}}",
    ]
    assert retrain(None, "--force", "seed=1", *tuned) == 0
    version = registry().versions(NAME)[0]
    manifest = fetch(registry(), version).manifest
    rows = manifest.lineage["config"]["model"]["tuning_rows"]
    assert rows.startswith(".mlkit/retraining/tune/")
    assert "C" in manifest.lineage["config"]["model"]["estimator"]
    Path(rows).unlink()
    capsys.readouterr()
    uri = f"sqlite:///{Path.cwd() / 'mlruns.db'}"
    assert main(["reproduce", f"{NAME}/{version.number}", "--here", "--uri", uri]) == 0
    assert "Reached bits" in capsys.readouterr().out
