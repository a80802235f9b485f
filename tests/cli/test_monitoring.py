"""`mlkit monitor` says what was found, writes it down, and exits by the gravest of it."""

import json
import shutil
from pathlib import Path

import pytest
from logs_of_tests import altered, logged
from watched_of_tests import answers_of, pack_trips, requests_of, trips

from mlkit.cli import main
from mlkit.core.bundle import Bundle
from mlkit.monitoring.labels import add_labels
from mlkit.serving.settings import Model

FRAME = trips(1_200, seed=1, days=50)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """Return a bundle of trips."""
    return pack_trips(tmp_path_factory.mktemp("bundles") / "trips")


@pytest.fixture(scope="module")
def written(bundle, tmp_path_factory) -> Path:
    """Return its log, with answers."""
    log = tmp_path_factory.mktemp("log") / "predictions"
    logged(log, requests_of(FRAME), Model(bundle=str(bundle.path), name="trips"))
    add_labels(log, answers_of(FRAME), bundle.schema)
    return log


@pytest.fixture
def here(written, tmp_path, monkeypatch) -> Path:
    """Work in a folder with nothing but the log."""
    shutil.copytree(written, tmp_path / "predictions")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured(folder: Path, *lines: str) -> Path:
    """Write the settings of a project of that model."""
    conf = folder / "conf"
    conf.mkdir()
    text = ["name: trips", "task: binary", "data: {path: trips.parquet, schema: a.B}", *lines]
    (conf / "config.yaml").write_text("\n".join(text))
    return conf


def report(folder: Path, name: str = "trips") -> dict:
    """Return what was written as JSON."""
    return json.loads((folder / f"{name}.monitoring.json").read_text())


def test_a_bundle_and_a_log_are_all_it_needs(here, bundle, capsys):
    """No project, no settings: a page, figures for programs, and a summary."""
    assert main(["monitor", str(bundle.path)]) == 0
    out = capsys.readouterr().out
    page = Path("reports/trips.monitoring.html")
    assert f"Report in {page}, beside it as .json and .prom" in out
    assert sorted(path.suffix for path in Path("reports").iterdir()) == [".html", ".json", ".prom"]
    assert page.read_text().lower().startswith("<!doctype html>")
    assert "# TYPE mlkit_monitor_quality gauge" in page.with_suffix(".prom").read_text()
    found = report(Path("reports"))
    assert found["severity"] == "ok"
    assert found["model"].startswith("trips/")
    assert sum(window["n_rows"] for window in found["windows"]) == len(FRAME)


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (lambda f: f, 0, "ok"),
        (lambda f: f.assign(mass=f["mass"].where(f["ward"] != "c")), 8, "warning"),
        (lambda f: f.assign(age=f["age"] / 3), 9, "alarm"),
    ],
)
def test_it_exits_by_the_gravest_finding(here, bundle, change, code, severity, capsys):
    """0 where all is as it was, 8 for a warning, 9 for an alarm; of a table as of a log."""
    change(FRAME).to_parquet("trips.parquet")
    options = ["--data", "trips.parquet", "--window", "all", "--reports", "out"]
    assert main(["monitor", str(bundle.path), *options]) == code
    assert report(Path("out"))["severity"] == severity
    assert not Path("reports").exists()
    assert capsys.readouterr().out


def test_windows_and_times_are_chosen(here, bundle):
    """As options, which come before the settings."""
    conf = configured(here, "monitoring: {window: week, time: at, least_rows: 100}")
    options = ["--conf", str(conf)]
    for more, names in (
        ([], [f"2024-01-{day:02}" for day in (1, 8, 15, 22, 29)] + ["2024-02-05", "2024-02-12",
                                                                    "2024-02-19"]),
        (["--window", "month"], ["2024-01", "2024-02"]),
        (["--window", "month", "--since", "2024-02-01"], ["2024-02"]),
        (["--window", "month", "--until", "2024-02-01T00:00:00Z"], ["2024-01"]),
        (["monitoring.window=all"], ["all"]),
        (["monitoring.window=hour", "--window", "month"], ["2024-01", "2024-02"]),
    ):  # fmt: skip
        assert main(["monitor", str(bundle.path), *more, *options]) in (0, 8, 9)
        assert [window["name"] for window in report(here / "reports")["windows"]] == names


def test_a_projects_own_bundle_and_log_are_watched(here, bundle):
    """Where nothing is named, those of its settings, and its reports."""
    conf = configured(here, "reports: told", "monitoring: {log: kept, window: all}")
    shutil.copytree(bundle.path, here / "bundles" / "trips")
    (here / "predictions").rename(here / "kept")
    assert main(["monitor", "--conf", str(conf)]) == 0
    assert report(here / "told")["metric"] == "roc_auc"
    options = ["monitor", "--conf", str(conf), "monitoring.metrics=[accuracy]"]
    assert main([*options, "monitoring.alarm.age_days=1", "monitoring.time=at"]) == 9
    found = report(here / "told")
    assert found["metric"] == "accuracy"
    assert [each["kind"] for each in found["findings"]] == ["age"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--log", "absent"], 3, "There is no log in absent"),
        (["--data", "absent.parquet"], 3, "There is no file absent.parquet"),
        (["--window", "year"], 2, "monitoring.window is 'year'"),
        (["--since", "yesterday"], 2, "--since yesterday is no moment"),
        (["--until", "2020-01-01"], 3, "No record is of that time"),
        (["monitoring.level=0.1"], 2, "There is no conf/config.yaml whose settings"),
        (["another"], 2, "mlkit monitor takes one bundle, got"),
    ],
)
def test_what_cannot_be_watched_is_told(here, bundle, options, code, message, capsys):
    """In a line, and nothing is written."""
    assert main(["monitor", str(bundle.path), *options]) == code
    error = capsys.readouterr().err
    assert f"mlkit: {message}" in error
    assert "Traceback" not in error
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("monitoring.metrics=[roc]", "monitoring.metrics names roc. "),
        ("monitoring.time=age", "monitoring.time is age, which is no datetime"),
        ("monitoring.level=2", "monitoring.level must lie between 0 and 1, got 2"),
        ("monitoring.least_rows=0", "monitoring.least_rows must be at least 1, got 0"),
        (
            "monitoring.warning.psi=0.3",
            "monitoring.alarm.psi is 0.25, below monitoring.warning.psi, which is 0.3",
        ),
        ("monitoring.windows=day", "There is no setting monitoring.windows"),
    ],
)
def test_settings_that_do_not_fit_are_named(here, bundle, setting, message, capsys):
    """With the setting, as a wrong configuration."""
    conf = configured(here)
    assert main(["monitor", str(bundle.path), setting, "--conf", str(conf)]) == 2
    assert f"mlkit: {message}" in capsys.readouterr().err


def test_a_log_of_another_name_is_told(here, bundle, tmp_path, capsys):
    """A bundle is watched by what was asked under its own name."""
    other = altered(bundle.path, tmp_path / "other", name="other")
    assert main(["monitor", str(other)]) == 3
    assert "has no receipts of other. Serve it under that name" in capsys.readouterr().err
    assert main(["monitor", "nowhere"]) == 5
    assert "There is no bundle in nowhere" in capsys.readouterr().err
