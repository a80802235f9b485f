"""The steps of a retraining: what is done is not done again, and what fails stops it."""

import fcntl
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from retraining_of_tests import NAME, START, make_project, orders, outcome, registry, retrain

from mlkit.registry import journal
from mlkit.registry.fetching import fetch
from mlkit.retraining.state import State

pytestmark = pytest.mark.slow
ALL = ["decide", "ingest", "validate", "train", "evaluate", "register", "promote"]


@pytest.fixture
def place(database, tmp_path, monkeypatch) -> Path:
    """Work in a tiny project with an empty registry."""
    folder = make_project(tmp_path / "project", orders(60))
    (folder / "mlruns.db").write_bytes(database.read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder


def lines(capsys) -> dict[str, str]:
    """Return what was printed of each step: done, or was done."""
    said = [
        line.split(": ") for line in capsys.readouterr().out.splitlines() if ", .mlkit/" in line
    ]
    return {step: how.split(",")[0] for step, how in said}


def said(step: str, name: str) -> dict:
    """Return what a step of the present run wrote."""
    state = State(Path(".mlkit/retraining"))
    return json.loads((state.place(step, state.runs().steps[step]) / name).read_text())


def test_a_new_champion_comes_from_newer_rows(place, capsys):
    """The first is due as there is none, the second by its new rows, and then nothing is."""
    assert retrain(30) == 0
    assert lines(capsys) == dict.fromkeys(ALL, "done")
    assert retrain(60) == 0
    assert lines(capsys) == dict.fromkeys(ALL, "done")
    first, second = outcome()["versions"][::-1]
    assert (first[2], second[2]) == ([], ["challenger", "champion"])
    whys = [entry[-1] for entry in outcome()["journal"]]
    assert whys[0] == "There is no champion."
    assert whys[1].startswith("300 rows with answers have come since tiny/1 was trained")
    assert said("promote", "promotion.json")["before"] == "tiny/1"
    # The holdout is the newest fifth, which the first champion had not seen.
    held = said("evaluate", "evaluation.json")
    assert (held["n_rows"], held["n_seen"]) == (120, 0)
    assert held["comparison"]["champion"].startswith("tiny/")

    assert retrain(60) == 0
    assert "No new model is due." in capsys.readouterr().out
    assert len(outcome()["versions"]) == 2


def test_steps_alone_do_what_all_do(place, capsys):
    """Done one by one they end the same, and each says what comes before it."""
    assert retrain(30, "train") == 2
    assert "train comes after decide" in capsys.readouterr().err
    for step in ALL:
        assert retrain(30, step) == 0
    alone = outcome()
    assert alone["finished"]
    assert [list(alone["keys"]), len(alone["journal"])] == [ALL, 1]


def test_the_same_rows_make_the_same_model(place, capsys):
    """A champion is not replaced by itself, however hard one asks."""
    assert retrain(30) == 0
    capsys.readouterr()
    assert retrain(30, "--force") == 0
    out = capsys.readouterr().out
    assert "The same rows, settings and code make tiny/1 again" in out
    assert len(outcome()["versions"]) == len(outcome()["journal"]) == 1


def test_a_challenger_that_fails_a_gate_is_registered_only(place, capsys):
    """The champion stays, the exit code is 1, and the cool-down counts from the challenger."""
    assert retrain(30) == 0
    frame = orders(60)
    later = frame["ordered"] >= START + pd.Timedelta(days=30)
    answers = np.random.default_rng(1).random(later.sum()) < 0.5
    frame.loc[later, "returned"] = answers
    frame.to_parquet("data/orders.parquet", index=False)
    gate = "+evaluation.gates=[{metric: roc_auc, at_least: 0.99}]"
    assert retrain(60, gate) == 1
    assert "tiny/2 was not promoted: roc_auc" in capsys.readouterr().out
    assert [version[2] for version in outcome()["versions"]] == [["challenger"], ["champion"]]
    assert retrain(60, gate, "retraining.cool_down_days=7") == 0
    assert "The newest version is" in capsys.readouterr().out


def test_rows_that_break_the_schema_stop_it(place, capsys):
    """All that is wrong is named, nothing is trained, and mended rows go on."""
    frame = orders(30)
    frame["amount"] = frame["amount"].astype(object)
    frame.loc[3, "amount"] = "much"
    frame.loc[5, "shop"] = None
    frame.to_csv("data/orders.csv", index=False)
    assert retrain(30, "data.path=data/orders.csv") == 1
    out = capsys.readouterr().out
    assert "amount: is not a number in 1 row" in out
    assert "shop: " in out
    assert list(outcome()["keys"]) == ["decide", "ingest", "validate"]
    assert retrain(30) == 0


def test_a_dry_run_decides_and_does_nothing(place, capsys):
    """It tells the reasons, and leaves no run behind."""
    assert retrain(30, "--dry-run") == 0
    assert "There is no champion." in capsys.readouterr().out
    assert outcome()["keys"] == {}
    assert outcome()["versions"] == []


def test_one_retrains_at_a_time(place, capsys):
    """The second is told at once who is at work; a lock ends with its process."""
    state = Path(".mlkit/retraining")
    state.mkdir(parents=True)
    with (state / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(str(os.getpid()))
        file.flush()
        assert retrain(30) == 1
        assert f"process {os.getpid()}" in capsys.readouterr().err
    assert retrain(30, "decide") == 0


def test_a_promotion_meanwhile_makes_the_run_void(place, capsys):
    """Who went back to the champion before is not overruled by a comparison with another."""
    assert retrain(30) == 0
    assert retrain(60) == 0
    for step in ALL[:-1]:
        assert retrain(60, step, "seed=1", "--force") == 0
    journal.rollback(registry(), NAME, why="Too many alarms.")
    assert retrain(60, "promote", "seed=1") == 7
    assert "tiny/1 became the champion meanwhile" in capsys.readouterr().err


def test_only_the_last_runs_are_kept(place):
    """Older outputs go, those of the present run never."""
    for number in range(6):
        assert retrain(31 + number, "decide", "--force") == retrain(31 + number, "ingest") == 0
    assert retrain(30, "--force") == 0
    state = State(Path(".mlkit/retraining"))
    runs = state.runs()
    assert len(runs.earlier) == 4
    kept = {key for each in (runs.steps, *runs.earlier) for key in each.values()}
    assert {path.name for path in Path(".mlkit/retraining").glob("*/*")} == kept


def test_old_rows_are_left_out(place):
    """keep_days counts from the newest row, and says how many went."""
    assert retrain(40, "retraining.keep_days=10") == 0
    counts = said("ingest", "ingest.json")
    assert counts.pop("sha256")
    assert counts == {"n_file": 600, "n_log": 0, "n_too_late": 200, "n_too_old": 300, "n_rows": 100}


def test_rows_without_a_time_are_left_out_only_by_time(place):
    """Whether they are too late, nobody knows; where all that there are count, they do."""
    source = Path("src/tiny/schema.py").read_text().replace("datetime =", "datetime | None =")
    Path("src/undated.py").write_text(source)
    Path("pyproject.toml").write_text('[tool.mlkit]\ntrusted = ["tiny", "undated"]\n')
    frame = orders(60)
    frame.loc[:9, "ordered"] = None
    frame.to_parquet("data/orders.parquet", index=False)
    for n_days, n_too_late in ((None, 0), (60, 10)):
        for step in ("decide", "ingest"):
            assert retrain(n_days, step, "data.schema=undated.Order") == 0
        counts = said("ingest", "ingest.json")
        assert (counts["n_too_late"], counts["n_rows"]) == (n_too_late, 600 - n_too_late)


def test_the_bundle_is_that_of_plain_training(place):
    """What is registered was made from the ingested rows, and its lineage names them."""
    assert retrain(30) == 0
    found = registry()
    bundle = fetch(found, found.versions(NAME)[0])
    path = Path(bundle.manifest.lineage["config"]["data"]["path"])
    assert len(pd.read_parquet(path)) == bundle.manifest.lineage["data"]["n_rows"] == 300
    assert list(Path(".mlkit/data").iterdir())
