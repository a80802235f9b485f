"""Each command does one thing, and says in one line what was wrong."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import BIN, ROOT, run

from mlkit.cli import main
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.runtime import open_model
from mlkit.training.settings import GateConfig

SMALL = [
    "model.estimator.max_iter=5",
    "evaluation.n_resamples=10",
    "evaluation.n_repeats=1",
    "evaluation.compare_splits=false",
]


@pytest.fixture
def mlkit(in_project, capsys):
    """Return what runs a command in the project: exit code, stdout, the last line of stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(part) for part in arguments])
        captured = capsys.readouterr()
        errors = [line for line in captured.err.splitlines() if line.startswith("mlkit: ")]
        assert len(errors) <= 1
        return code, captured.out, errors[0] if errors else ""

    return run


@pytest.fixture
def rows(flights) -> pd.DataFrame:
    """Return a few flights, to be damaged."""
    return flights.head(60).copy()


def test_train_then_evaluate_then_predict(mlkit, tmp_path):
    """The whole way: a bundle, its figures again, one record and a file scored."""
    bundles = tmp_path / "bundles"
    code, out, _ = mlkit("train", f"bundles={bundles}", *SMALL)
    assert code == 0
    assert "; left out 441 without a target.\n" in out
    assert "\nroc_auc " in out
    folder = bundles / "flight-delay"
    assert str(folder) in out

    code, again, _ = mlkit("evaluate", folder)
    value = re.findall(r"^roc_auc +([\d.]+)", out, re.M)
    assert code == 0
    assert value
    assert value == re.findall(r"^roc_auc +([\d.]+)", again, re.M)
    assert "left out" in again

    code, out, _ = mlkit("predict", folder, "data/flight.json")
    assert code == 0
    assert set(json.loads(out)) == {"label", "probability", "model"}

    code, out, _ = mlkit("predict", folder, "data/flights.parquet", tmp_path / "scored.parquet")
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    assert code == 0
    assert {"prediction", "probability", "carrier"} <= set(scored.columns)
    assert len(scored) == 16_839


def test_logs_go_to_stderr_and_are_few(in_project, tmp_path, capsys):
    """Results can be piped, and are not drowned: long stages and what one should know."""
    assert main(["train", f"bundles={tmp_path}", f"reports={tmp_path}", *SMALL]) == 0
    out, err = capsys.readouterr()
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert out.startswith("Judged on")
    assert set(events) >= {"split_decided", "training_started", "model_compiled"}
    assert len(events) <= 12


def test_a_report_is_written_beside_the_bundle_and_again_from_it(mlkit, in_project, tmp_path):
    """`train` writes it, `report` the same bytes from the bundle, `evaluate` one of its own."""
    places = (f"bundles={tmp_path}", f"reports={tmp_path / 'reports'}")
    code, out, _ = mlkit("train", *places, *SMALL)
    page = tmp_path / "reports" / "flight-delay.html"
    assert code == 0
    assert out.endswith(f"Report in {page}\n")
    written = page.read_bytes()
    folder, again = tmp_path / "flight-delay", tmp_path / "again.html"
    assert mlkit("report", folder, again) == (0, f"Report in {again}\n", "")
    assert again.read_bytes() == written
    other = tmp_path / "other.html"
    code, out, _ = mlkit("evaluate", folder, "--report", other)
    assert (code, out.splitlines()[-1]) == (0, f"Report in {other}")
    assert b'id="verdict"' in other.read_bytes()


@pytest.fixture
def old(packed, tmp_path) -> Path:
    """Return a bundle as an mlkit of before wrote it, whose evaluation this one cannot read."""
    folder = shutil.copytree(packed, tmp_path / "old")
    (folder / layout.EVALUATION).write_text('{"scores": []}')
    layout.seal(folder, Bundle.open(packed).manifest)
    return folder


def test_leaks_that_are_not_known_pass_no_gate(mlkit, old):
    """The bundle cannot be held to their number; without such a gate it is judged."""
    code, out, error = mlkit("evaluate", old)
    assert (code, out) == (5, "")
    assert "evaluation.json cannot be read" in error
    assert "the gate on leaks cannot be judged" in error
    few = ("evaluation.gates=[]", "evaluation.n_resamples=10")
    code, out, _ = mlkit("evaluate", old, *few)
    assert (code, "\nroc_auc " in out) == (0, True)


def test_an_evaluation_that_cannot_be_read_is_named(mlkit, old, tmp_path):
    """The page of what was found when the bundle was packed cannot be written."""
    code, _, error = mlkit("report", old, tmp_path / "page.html")
    assert code == 5
    assert "evaluation.json is not readable" in error
    assert "mlkit evaluate BUNDLE --report FILE" in error


def test_a_leak_that_training_found_stops_the_bundle(mlkit, packed, tmp_path):
    """`evaluate` does not hunt again: it takes what the bundle says."""
    folder = shutil.copytree(packed, tmp_path / "leaky")
    found = json.loads((folder / layout.EVALUATION).read_text())
    leak = {"kind": "single", "columns": ["temp"], "figure": 0.99, "message": "It tells."}
    (folder / layout.EVALUATION).write_text(json.dumps({**found, "leaks": [leak]}))
    layout.seal(folder, Bundle.open(packed).manifest)
    code, out, _ = mlkit("evaluate", folder)
    assert code == 1
    assert "- the number of leaks is 1, at most 0: failed" in out


def test_settings_of_a_run_are_in_its_lineage(mlkit, tmp_path):
    """The bundle says what made it: settings, data, code, libraries, seed; no folder, no clock."""
    mlkit("train", f"bundles={tmp_path}", "seed=7", *SMALL)
    lineage = Bundle.open(tmp_path / "flight-delay").manifest.lineage
    assert lineage["config"]["seed"] == lineage["seed"] == 7
    assert lineage["config"]["model"]["estimator"]["max_iter"] == 5
    assert lineage["data"]["n_rows"] == 16_839
    assert len(lineage["data"]["fingerprint"]) == 64
    assert {"scikit-learn", "pandas", "numpy"} <= set(lineage["libraries"])
    assert set(lineage["code"]) == {"commit", "dirty"}
    assert all(count >= 1 for count in lineage["threads"].values())
    assert str(tmp_path) not in json.dumps(lineage)


def test_a_bundle_of_another_file_is_judged_on_new_rows_only(mlkit, packed, flights, tmp_path):
    """`evaluate` leaves out the rows of a file that the model was trained on, and counts them."""
    model = open_model(Bundle.open(packed), ["flight_delay"])
    flights.to_parquet(tmp_path / "rows.parquet")
    code, out, _ = mlkit("evaluate", packed, tmp_path / "rows.parquet")
    assert code == 0
    assert f"{len(model.training_rows):,} that a model was trained or tuned on" in out


def test_evaluate_exits_1_and_lists_each_gate_that_failed(mlkit, config, packed, monkeypatch):
    """With its figure and its bound; of the model, of slices, and of the bundle."""
    gates = [
        {"metric": "roc_auc", "at_least": 0.1},
        {"metric": "roc_auc", "at_least": 0.99, "slice": "origin"},
        {"metric": "positive_rate", "disparity": "origin", "at_most": 0},
        {"metric": "bundle_mb", "at_most": 0.001},
        {"metric": "latency_p50_us", "at_most": 0.001},
    ]
    changed = config("evaluation.n_resamples=10", "evaluation.banned=[tailnum,carrier]")
    changed.evaluation.gates = [GateConfig(**gate) for gate in gates]
    monkeypatch.setattr("mlkit.training.config.load_config", lambda *_: changed)
    code, out, _ = mlkit("evaluate", packed)
    assert code == 1
    *_, verdict = out.split("\n\n")
    first, *failed = verdict.splitlines()
    assert first == "7 of 8 gates failed: this model may not ship."
    assert [line.split(" is ")[0] for line in failed] == [
        "- roc_auc where origin=EWR",
        "- roc_auc where origin=JFK",
        "- roc_auc where origin=LGA",
        "- the largest difference in positive_rate between slices by origin",
        "- the number of banned columns that are read (carrier)",
        "- bundle_mb",
        "- latency_p50_us",
    ]


def test_evaluate_takes_settings_beside_files(mlkit, packed, flights, tmp_path):
    """Whatever has a `=` before any folder is one, as in `train`; the bundle stays the first."""
    gate = "evaluation.gates=[{metric: roc_auc, at_least: 0.999}]"
    code, out, _ = mlkit("evaluate", gate, packed, "evaluation.n_resamples=10")
    assert code == 1
    assert "may not ship" in out

    table = tmp_path / "year=2013.parquet"
    flights.to_parquet(table)
    code, out, _ = mlkit("evaluate", packed, "evaluation.n_resamples=10", table)
    assert code == 0
    assert "that a model was trained or tuned on" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluation=strickt"], "conf/evaluation has no 'strickt'"),
        (["one", "two", "three"], "one bundle and one table, got one, two, three"),
    ],
)
def test_evaluate_refuses_what_it_cannot_take(mlkit, arguments, message):
    """As an error of use, before anything is read."""
    code, _, error = mlkit("evaluate", *arguments)
    assert (code, message in error) == (2, True), error


def test_a_model_is_compared_with_the_champion(mlkit, packed, tmp_path):
    """In `evaluate`, and in `train`, whose bundle is written though a gate fails."""
    code, out, _ = mlkit("evaluate", packed, "--champion", packed)
    champion = Bundle.open(packed).model
    assert code == 0
    assert f"Beside the champion {champion}, on the same rows:" in out
    assert "All 8 gates passed." in out

    code, out, _ = mlkit(
        "train",
        f"bundles={tmp_path}",
        f"evaluation.champion={packed}",
        "model.estimator.max_iter=1",
        "evaluation.n_resamples=10",
    )
    assert code == 0
    assert "It must not be promoted" in out
    bundle = Bundle.open(tmp_path / "flight-delay")
    kept = Evaluation.from_json(bundle.read("evaluation.json"))
    assert kept.comparison.champion == champion
    assert kept.n_seen > 0


def _changed(self, frame):
    """Return features as a later version of the project makes them."""
    return pd.DataFrame({"distance": frame["distance"], "is_long": frame["distance"] > 1000})


def test_a_bundle_is_judged_by_its_graph_though_features_have_changed(mlkit, packed, monkeypatch):
    """As the bundle to judge and as the champion; what its features are worth is left out."""
    _, before, _ = mlkit("evaluate", packed)
    monkeypatch.setattr("flight_delay.features.FlightFeaturizer.transform", _changed)
    code, out, _ = mlkit("evaluate", packed, "--champion", packed)
    assert code == 0
    assert re.findall("\nroc_auc [^g]*", out)[0] == re.findall("\nroc_auc [^g]*", before)[0]
    assert "Beside the champion" in out
    assert "shown to help" in before
    assert "shown to help" not in out


def test_a_bundle_without_a_graph_is_not_judged_by_other_features(
    mlkit, python_packed, monkeypatch
):
    """It would be another model's figure; it says where the right one is."""
    monkeypatch.setattr("flight_delay.features.FlightFeaturizer.transform", _changed)
    code, _, error = mlkit("evaluate", python_packed)
    assert code == 5
    assert "has changed since it was packed. Check out the commit" in error


def test_a_holdout_is_frozen_and_held_out_by_the_next_run(mlkit, tmp_path):
    """The rows are the same, so that two evaluations can be compared."""
    path = tmp_path / "holdout.npy"
    code, out, _ = mlkit("freeze", path, "split.test_fraction=0.1")
    assert code == 0
    n_rows = out.split()[0]
    assert f"split.holdout={path}" in out
    code, out, _ = mlkit("train", f"split.holdout={path}", f"bundles={tmp_path}", *SMALL)
    assert code == 0
    assert f"Judged on {n_rows} rows (the {n_rows} rows frozen in holdout.npy" in out
    rows = Bundle.open(tmp_path / "flight-delay").manifest.lineage["rows"]
    assert rows["trained_on"] > 0
    assert rows["tuned_on"] == 0
    code, _, error = mlkit("freeze", path)
    assert (code, "is there already" in error) == (2, True)


def test_check_data_lists_everything(mlkit, rows, tmp_path):
    """A good file passes; of a bad one every broken rule is on a line of its own."""
    assert mlkit("check-data")[:2] == (
        0,
        "data/flights.parquet: 16,839 rows hold to Flight in all columns.\n",
    )
    rows["distance"] = -rows["distance"]
    rows["humid"] = 101.0
    rows["carrier"] = 7
    rows.drop(columns="dest").to_parquet(tmp_path / "bad.parquet")
    code, out, error = mlkit("check-data", tmp_path / "bad.parquet")
    assert code == 3
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "carrier",
        "dest",
        "distance",
        "humid",
    ]
    assert all(name in error for name in ("carrier", "dest", "distance", "humid"))


def damaged(rows: pd.DataFrame, how: str) -> pd.DataFrame:
    """Return flights that are wrong in one way."""
    return {
        "column": lambda: rows.drop(columns="carrier"),
        "type": lambda: rows.assign(distance="far"),
        "bounds": lambda: rows.assign(distance=-1.0),
        "empty": lambda: rows.iloc[:0],
        "unlabelled": lambda: rows.assign(arr_delay=float("nan")),
        "constant": lambda: rows.assign(arr_delay=0.0),
        "target": lambda: rows.drop(columns="arr_delay"),
    }[how]()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("column", "carrier: is absent"),
        ("type", "distance: is not a number in 60 rows, first at 0, 1, 2, 3, 4 (found 'far'"),
        ("bounds", "distance: is not at least 0 in 60 rows"),
        ("empty", "no rows"),
        ("unlabelled", "No row has a value in the target arr_delay"),
        ("constant", "The target arr_delay is constant: False in all 60 rows"),
        ("target", "No row has a value in the target arr_delay"),
    ],
)
def test_bad_rows_train_nothing(mlkit, rows, tmp_path, how, message):
    """Exit code 3, one line that says what and where, and no bundle."""
    file = tmp_path / "rows.parquet"
    damaged(rows, how).to_parquet(file)
    code, out, error = mlkit("train", f"data.path={file}", f"bundles={tmp_path / 'b'}", *SMALL)
    assert (code, out) == (3, "")
    assert message in error
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("zero.parquet", b"", "is empty (0 bytes)"),
        ("zero.csv", b"", "is empty (0 bytes)"),
        ("text.parquet", b"carrier,distance\n", "not a readable Parquet file"),
        ("table.xlsx", b"PK", "neither Parquet nor CSV"),
        ("header.csv", b"carrier,distance\n", "no rows"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "not a readable CSV file"),
        ("long.csv", b"a,b\n1,2,\n3,4,\n", "2 names in its first line, and more cells"),
        ("semicolons.csv", b"a;b\n1,5;2\n", "has one column, called 'a;b': its cells are parted"),
        ("commas.csv", b"a;b\n1;2,5\n1;2,5,5\n", "sep=';'"),
        ("tabs.csv", b"a\tb\n1\t2\n", r"sep='\t'"),
        ("doubled.csv", b"a,b,a\n1,2,3\n", "more than one column called a"),
        ("latin.csv", b"a,b\n\xe9,\xff\n", "not a readable CSV file"),
        ("absent.csv", None, "There is no file"),
    ],
)
def test_a_file_that_is_no_table_is_named(mlkit, tmp_path, name, content, message):
    """Empty, damaged, of another kind, or not there."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, error = mlkit("train", f"data.path={tmp_path / name}", f"bundles={tmp_path / 'b'}")
    assert code == 3
    assert message in error
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("sead=1", 2, "Did you mean seed"),
        ("model=logstic", 2, "Did you mean logistic"),
        ("data.path=nowhere.csv", 3, "There is no file nowhere.csv"),
        ("data.target.column=arr_dely", 2, "Did you mean arr_delay"),
        ("data.target.column=distance", 2, "read the answer"),
        ("data.schema=flight_delay.schema.Fligth", 2, "Did you mean Flight"),
        ("evaluation.metrics=[rmse]", 2, "rmse does not fit a binary target"),
        ("split.cut=2030-01-01", 3, "0 to evaluate"),
        ("split.holdout=nowhere.npy", 3, "mlkit freeze nowhere.npy"),
        ("evaluation.slices=[origin,desst]", 2, "Did you mean dest"),
        ("evaluation.banned=[tail]", 2, "Did you mean tailnum"),
        ("evaluation.champion=nowhere", 5, "nowhere"),
        ("evaluation.gates=[{metric: roc_auk, at_least: 1}]", 2, "Did you mean roc_auc"),
        ("evaluation.gates=[{metric: rmse, at_most: 1}]", 2, "does not fit a binary target"),
        ("evaluation.gates=[{metric: roc_auc}]", 2, "needs at_least or at_most"),
        ("evaluation.gates=[{metric: f1, slice: dest, at_least: 0}]", 2, "slices has origin"),
        ("task=regression", 2, "leave out target.edges"),
        ("model.estimator.max_iter=50x", 2, "max_iter"),
        ("features._target_=os.system", 2, "not in a trusted package"),
    ],
)
def test_a_wrong_setting_is_named(mlkit, tmp_path, override, code, message):
    """Its exit code, one line, and no bundle."""
    found, _, error = mlkit("train", override, f"bundles={tmp_path / 'b'}")
    assert (found, message in error) == (code, True), error
    assert not (tmp_path / "b").exists()


def test_outside_a_project_the_command_says_so(tmp_path, monkeypatch, capsys):
    """Without conf/ the error tells where it looked."""
    monkeypatch.chdir(tmp_path)
    assert main(["train"]) == 2
    assert "There is no" in capsys.readouterr().err


def test_csv_and_parquet_score_alike(mlkit, packed, rows, tmp_path):
    """The same flights as text and as typed columns get the same scores."""
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")
    for suffix in ("csv", "parquet"):
        code, *_ = mlkit(
            "predict", packed, tmp_path / f"rows.{suffix}", tmp_path / f"{suffix}.parquet"
        )
        assert code == 0
    scores = [
        pd.read_parquet(tmp_path / f"{suffix}.parquet")["probability"]
        for suffix in ("csv", "parquet")
    ]
    pd.testing.assert_series_equal(*scores)


def test_csv_can_be_written(mlkit, packed, rows, tmp_path):
    """A scored table goes to CSV when its name says so."""
    rows.to_parquet(tmp_path / "rows.parquet")
    assert mlkit("predict", packed, tmp_path / "rows.parquet", tmp_path / "out.csv.gz")[0] == 0
    assert len(pd.read_csv(tmp_path / "out.csv.gz")) == len(rows)


def test_every_fault_of_a_csv_is_named_at_once(mlkit, packed, rows, tmp_path):
    """Text where a number goes, an unreadable time and a broken bound come together."""
    rows = rows.astype({"distance": object, "scheduled_departure": str})
    rows.loc[2, "distance"] = "far"
    rows.loc[3, "scheduled_departure"] = "02/01/2013"
    rows.loc[4, "humid"] = 400
    rows.to_csv(tmp_path / "rows.csv", index=False)
    code, _, error = mlkit("predict", packed, tmp_path / "rows.csv", tmp_path / "out.csv")
    assert code == 3
    assert "distance: is not a number in 1 row, first at 2 (found 'far')" in error
    assert "scheduled_departure: is not a datetime without a time zone in 1 row" in error
    assert "humid: is not at most 100 in 1 row, first at 4" in error
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("form", ["object", "list", "lines", "marked", "stdin", "piped lines"])
def test_records_come_in_every_json_form(mlkit, packed, in_project, tmp_path, monkeypatch, form):
    """An object, a list, an object a line, or standard input."""
    record = (in_project / "data" / "flight.json").read_text()
    line = json.dumps(json.loads(record))
    source = tmp_path / ("rows.jsonl" if form == "lines" else "rows.json")
    lines = f"{line}\n" * 2
    text = {
        "object": record,
        "list": f"[{line},{line}]",
        "lines": lines,
        "marked": f"\ufeff{record}",
    }
    text |= {"stdin": record, "piped lines": lines}
    source.write_text(text[form])
    is_piped = form in ("stdin", "piped lines")
    if is_piped:
        stdin = io.TextIOWrapper(io.BytesIO(text[form].encode()))
        monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = mlkit("predict", packed, "-" if is_piped else source)
    assert code == 0
    assert len(out.splitlines()) == (1 if form in ("object", "marked", "stdin") else 2)
    assert len(set(out.splitlines())) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not readable JSON"),
        ("[" * 100_000, "not readable JSON"),
        ("7", "maps names to values; found int"),
        ('{"carrier": "UA"}', "origin: is missing"),
        ("[{}, 1]", "Record 0"),
    ],
)
def test_a_wrong_record_is_named(mlkit, packed, tmp_path, content, message):
    """Exit code 3 and one line with every missing field."""
    (tmp_path / "r.json").write_text(content)
    code, out, error = mlkit("predict", packed, tmp_path / "r.json")
    assert (code, out) == (3, "")
    assert message in error


def test_a_wrong_record_of_many_lines_is_found(mlkit, packed, in_project, tmp_path):
    """Records are counted from 0, and lines from 1: the error says so, of lines alone."""
    good = json.dumps(json.loads((in_project / "data" / "flight.json").read_text()))
    (tmp_path / "r.jsonl").write_text(f"{good}\n{{}}\n")
    (tmp_path / "one.jsonl").write_text("{}\n")
    (tmp_path / "r.json").write_text(f"[{good}, {{}}]")
    code, out, error = mlkit("predict", packed, tmp_path / "r.jsonl")
    assert (code, out) == (3, "")
    assert "Record 1: Not a record of Flight" in error
    assert error.endswith(". Record 0 is line 1; empty lines are not counted.")
    for name in ("one.jsonl", "r.json"):
        code, _, error = mlkit("predict", packed, tmp_path / name)
        assert (code, "is line" in error) == (3, False)


def test_a_bundle_that_was_touched_is_refused(mlkit, packed, tmp_path):
    """Exit code 5, and the file is named."""
    import shutil

    copied = shutil.copytree(packed, tmp_path / "b")
    with (copied / "model.skops").open("r+b") as file:
        file.write(b"x")
    code, _, error = mlkit("predict", copied, "data/flight.json")
    assert code == 5
    assert "model.skops was changed" in error


def test_trust_is_given_by_the_reader(mlkit, python_packed, in_project, tmp_path, monkeypatch):
    """Elsewhere than in the project, the package must be trusted by name."""
    record = in_project / "data" / "flight.json"
    monkeypatch.chdir(tmp_path)
    code, _, error = mlkit("predict", python_packed, record)
    assert code == 5
    assert "trust flight_delay" in error
    assert mlkit("predict", python_packed, record, "--trust", "flight_delay")[0] == 0


def test_a_file_that_cannot_be_used_is_named(mlkit, packed, rows, tmp_path):
    """A folder in its place, or a file in its folder's: exit code 1, and one line."""
    rows.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "out.csv").mkdir()
    for place in (tmp_path / "out.csv", tmp_path / "rows.parquet" / "out.csv"):
        code, out, error = mlkit("predict", packed, tmp_path / "rows.parquet", place)
        assert (code, out) == (1, "")
        assert f"{tmp_path}" in error
        assert "cannot be used" in error
    code, _, error = mlkit("check-data", tmp_path / "out.csv")
    assert (code, "out.csv is a folder" in error) == (3, True)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_dates_beyond_pythons_are_named(mlkit, tmp_path):
    """A day of the year 2,941,775 is in no frame."""
    day = pa.array([2**30], pa.date32())
    pq.write_table(pa.table({"scheduled_departure": day}), tmp_path / "far.parquet")
    code, _, error = mlkit("check-data", tmp_path / "far.parquet")
    assert (code, "year 2941775 is out of range" in error) == (3, True)


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nmlkit = 3", "[tool.mlkit]\nsigners = 3"])
def test_settings_of_trust_that_make_no_sense_are_named(
    text, packed, tmp_path, monkeypatch, capsys
):
    """A value where a table or a list should be: exit code 2, and the file is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(text)
    assert main(["predict", str(packed), "record.json"]) == 2
    assert re.search(r"tool.*pyproject\.toml must be", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("absent", "code", "error"),
    [
        ("hydra onnx skl2onnx sklearn skops spox", 0, ""),
        ("pandas", 6, "which is not installed. Install what it takes: pip install pandas pyarrow"),
        ("pyarrow", 6, "which is not installed. Install what it takes: pip install pandas pyarrow"),
    ],
)
def test_tables_take_pandas_and_pyarrow_alone(packed, in_project, tmp_path, absent, code, error):
    """On the plain install with these two, `predict` scores a file; without one it says so."""
    arguments = ["predict", str(packed), "data/flights.parquet", str(tmp_path / "out.csv")]
    program = (
        f"import sys; sys.modules |= dict.fromkeys({absent.split()}); "
        f"from mlkit.cli import main; sys.exit(main({arguments}))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, error in done.stderr) == (code, True), done.stderr


def test_a_table_needs_a_place_to_go(mlkit, packed):
    """A table without an output, or with one of another kind, is refused."""
    code, _, error = mlkit("predict", packed, "data/flights.parquet")
    assert (code, "OUTPUT" in error) == (2, True)
    code, _, error = mlkit("predict", packed, "data/flight.json", "scores.json")
    assert (code, "stdout" in error) == (2, True)
    code, _, error = mlkit("predict", packed, "data/flights.parquet", "scores.xlsx")
    assert (code, "must end in" in error) == (2, True)


def test_schema_infer_writes_once(mlkit, in_project, tmp_path, rows):
    """It prints, or writes where nothing lies; a schema that is there is kept."""
    rows.to_csv(tmp_path / "rows.csv", index=False)
    code, out, _ = mlkit("schema", "infer", tmp_path / "rows.csv", "--output", "-")
    assert code == 0
    assert "class Flight(Schema):" in out
    before = (in_project / "src/flight_delay/schema.py").read_text()
    code, _, error = mlkit("schema", "infer", tmp_path / "rows.csv")
    assert (code, "is there already" in error) == (2, True)
    assert (in_project / "src/flight_delay/schema.py").read_text() == before
    code, _, error = mlkit("schema", "infer", tmp_path / "rows.csv", "--target", "arr_dely")
    assert (code, "Did you mean arr_delay" in error) == (3, True)


def test_an_error_in_the_projects_code_shows_its_line(mlkit, write_module, tmp_path):
    """An exception of the project's own is one line with file and line, and exit code 70."""
    write_module(
        "wrong.py",
        "from mlkit import Featurizer\n\n\nclass Wrong(Featurizer):\n"
        "    def transform(self, frame):\n        return frame / 0\n",
    )
    code, _, error = mlkit(
        "train", "features._target_=flight_delay.wrong.Wrong", f"bundles={tmp_path / 'b'}"
    )
    assert code == 70
    assert "TypeError at" in error


def test_personal_data_are_not_logged(in_project, write_module, tmp_path):
    """A project's own log events lose the values of the columns that its schema calls pii."""
    write_module(
        "private.py",
        "from flight_delay.features import FlightFeaturizer\n"
        "from flight_delay.schema import Flight\n"
        "from mlkit import column, get_logger\n\n\n"
        "class Private(Flight):\n    tailnum: str | None = column(pii=True)\n\n\n"
        "class Chatty(FlightFeaturizer):\n"
        "    def transform(self, frame):\n"
        "        tailnum = frame['tailnum'].iloc[0]\n"
        "        get_logger('flight_delay').info('row_seen', tailnum=tailnum)\n"
        "        return super().transform(frame)\n",
    )
    done = run(
        *(sys.executable, "-m", "mlkit", "train", f"bundles={tmp_path}", *SMALL),
        "data.schema=flight_delay.private.Private",
        "features._target_=flight_delay.private.Chatty",
        cwd=in_project,
        PYTHONPATH=str(ROOT),
    )
    seen = [json.loads(line) for line in done.stderr.splitlines() if "row_seen" in line]
    assert {event["tailnum"] for event in seen} == {"[redacted]"}


def test_an_interrupt_leaves_nothing(in_project, tmp_path):
    """Ctrl-C while training: exit code 130, one line, and no bundle or draft."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlkit", "train", f"bundles={tmp_path / 'b'}"),
            "evaluation.n_resamples=1000000",
        ],
        cwd=in_project,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    for line in process.stderr:
        if "evaluation_started" in line:
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, errors) == ("", "mlkit: interrupted; nothing was left half-written.\n")
    assert not (tmp_path / "b").exists()


def test_version_is_the_distributions(capsys):
    """`mlkit --version` prints the name and the version that is installed."""
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"mlkit {version('mlkit-ship')}\n"


def test_help_names_every_exit_code(capsys):
    """The codes that errors carry are documented."""
    from mlkit.core import errors

    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.MlkitError)
    }
    assert all(f"\n  {code} " in text for code in codes | {0, 70, 130})


def test_explain_tells_one_record(packed, project, tmp_path, capsys):
    """As a table, or as JSON whose effects add up; of several records none is chosen."""
    record = str(project / "data" / "flight.json")
    assert main(["explain", str(packed), record]) == 0
    assert re.search(
        "^scheduled_departure +2013-12-23 17:15:00 +[-+]", capsys.readouterr().out, re.M
    )
    assert main(["explain", str(packed), record, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    total = sum(each["effect"] for each in found["effects"])
    assert total == pytest.approx(found["score"] - found["expected"])
    two = tmp_path / "two.json"
    one = (project / "data" / "flight.json").read_text()
    two.write_text(f"[{one}, {one}]")
    assert main(["explain", str(packed), str(two)]) == 3
    assert "holds 2 records, but one is explained" in capsys.readouterr().err


def test_explain_takes_no_table(mlkit, packed):
    """The error says what it takes, before the bundle is loaded."""
    code, out, error = mlkit("explain", packed, "data/flights.parquet")
    assert (code, out) == (2, "")
    assert "takes one record (.json, .jsonl, or - for stdin), got data/flights.parquet" in error


@pytest.mark.slow
def test_an_ablation_tells_every_feature(in_project, capsys):
    """The table has a line for each, and no bundle is written."""
    assert main(["study", "ablation", "model.estimator.max_iter=10"]) == 0
    out = capsys.readouterr().out
    assert "\ndeparture_hour " in out
    assert "Not shown to earn their cost" in out
