"""A search that is killed at any moment loses at most the trial that was running."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from projects import ROOT

from mlkit.cli import main

pytestmark = pytest.mark.slow
N_KILLS, N_TRIALS = 10, 40


def finished(database: Path) -> dict[int, tuple]:
    """Return what each finished trial tried, and what came of it."""
    storage = f"sqlite:///{database}"
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    return {
        trial.number: (trial.params, trial.value, trial.intermediate_values, trial.state)
        for trial in study.get_trials()
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    }


def start(command: list, folder: Path) -> subprocess.Popen:
    """Start a command of this checkout, with its events to be read."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def run_and_kill(command: list, folder: Path, chance: random.Random) -> list[int]:
    """Kill the command within a second after some progress; return the trials it told of."""
    told: list[int] = []
    wanted = chance.randrange(3)
    with start(command, folder) as process:
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "trial_finished":
                told.append(event["number"])
            if event["event"] in ("tuning_started", "trial_finished") and len(told) >= wanted:
                break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=chance.uniform(0, 0.5))
        process.kill()
        rest = process.stderr.read()
    events = [json.loads(line) for line in rest.splitlines() if line.endswith("}")]
    return told + [event["number"] for event in events if event["event"] == "trial_finished"]


@pytest.fixture
def settings(in_project, flights, tmp_path) -> list[str]:
    """Return the arguments of a search of short trials, away from the project's settings."""
    flights.iloc[::4].to_parquet(tmp_path / "flights.parquet")
    shutil.copytree(in_project / "conf", tmp_path / "conf")
    return [
        *("--conf", str(tmp_path / "conf"), f"data.path={tmp_path / 'flights.parquet'}"),
        *(f"tuning.folder={tmp_path / 'tuning'}", f"tuning.trials={N_TRIALS}", "tuning.folds=2"),
        "+tuning.space={model.estimator.max_iter:{low:2,high:9}}",
    ]


def test_an_interrupt_tells_the_best_so_far(settings, in_project, tmp_path):
    """Ctrl-C: exit code 130, the best values in an event, and no settings are written."""
    with start([sys.executable, "-m", "mlkit", "tune", *settings], in_project) as process:
        for line in process.stderr:
            if "trial_finished" in line:
                break
        process.send_signal(signal.SIGINT)
        *_, event, last = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert json.loads(event)["event"] == "tuning_interrupted"
    assert "model.estimator.max_iter" in json.loads(event)["parameters"]
    assert last == "mlkit: interrupted; nothing was left half-written."
    assert not (tmp_path / "conf/model/tuned.yaml").exists()


def test_ten_kills_lose_at_most_the_running_trials(settings, in_project, tmp_path, capsys):
    """Whatever was told of is kept as it was, and the search then comes to its end."""
    database = tmp_path / "tuning" / "flight-delay.db"
    chance = random.Random(4)  # noqa: S311
    kept: dict[int, tuple] = {}
    for _ in range(N_KILLS):
        told = run_and_kill([sys.executable, "-m", "mlkit", "tune", *settings], in_project, chance)
        found = finished(database)
        assert {number: found[number] for number in kept} == kept
        assert set(told) <= set(found)
        kept = found
    assert 0 < len(kept) < N_TRIALS

    assert main(["tune", *settings]) == 0
    assert f"the best of {N_TRIALS} trials" in capsys.readouterr().out
    found = finished(database)
    assert {number: found[number] for number in kept} == kept
    assert len(found) == N_TRIALS
    storage = f"sqlite:///{database}"
    study = optuna.load_study(study_name=None, storage=storage)
    lost = [trial for trial in study.get_trials() if trial.state == TrialState.FAIL]
    assert len(lost) <= N_KILLS
    # What a killed trial had begun to try was tried again.
    tried = [params for params, *_ in found.values()]
    for trial in lost:
        assert any(trial.params.items() <= params.items() for params in tried)
