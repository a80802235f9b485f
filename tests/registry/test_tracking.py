"""A run is on disk first, and then in MLflow, whole and once."""

import json
from pathlib import Path

import pytest
from registry_of_tests import LINEAGE, now, variant

from mlkit import load_config
from mlkit.core.errors import ConfigError, RegistryError, UnreachableError
from mlkit.core.log import configure_logging
from mlkit.registry import outbox, recording
from mlkit.registry.connection import connect, shown
from mlkit.registry.tracking import Tracker, sync
from mlkit.training.report.page import read_evaluation
from mlkit.training.workflow import Run


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch):
    """Take the first answer of a server that is not there."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def settings(in_project, tmp_path, uri):
    """Return what loads the project's settings, tracked, with a name of this test's own."""
    common = [f"tracking.uri='{uri}'", f"tracking.folder={tmp_path / 'kept'}"]
    return lambda *overrides: load_config(overrides=[*common, *overrides])


@pytest.fixture
def trained(packed, tmp_path) -> Run:
    """Return a training run as `train` returns it."""
    code = {"commit": "c0ffee", "dirty": True, "changes": ["conf/config.yaml"]}
    bundle = variant(packed, tmp_path, seed=7, code=code)
    report = tmp_path / "report.html"
    report.write_text("<html>")
    return Run(bundle=bundle, evaluation=read_evaluation(bundle), report=report)


def files_of(tracker: Tracker, run_id: str, folder: str = "") -> set[str]:
    """Return the paths of all files that MLflow has of a run."""
    found = tracker.client.list_artifacts(run_id, folder or None)
    inner = [files_of(tracker, run_id, each.path) for each in found if each.is_dir]
    return {each.path for each in found if not each.is_dir}.union(*inner)


def test_a_training_is_recorded_whole(tracker, settings, trained, tmp_path):
    """Settings, figures with their intervals, where all came from, bundle and report."""
    config = settings("name=whole", "seed=7")
    recording.record_training(config, trained, started=1_000)
    (run,) = tracker.search("whole", {"mlkit.kind": "train"})

    assert run.info.status == "FINISHED"
    assert run.info.start_time == 1_000 <= run.info.end_time
    assert run.data.params["seed"] == "7"
    assert run.data.params["split.kind"] == config.split.kind
    for score in trained.evaluation.scores:
        assert run.data.metrics[score.metric] == score.value
        assert run.data.metrics[f"{score.metric}_low"] == score.low
        assert run.data.metrics[f"{score.metric}_high"] == score.high
    tags = run.data.tags
    assert tags["mlkit.bundle"] == trained.bundle.manifest.digest
    assert tags["mlkit.data"] == LINEAGE["data"]["fingerprint"]
    assert tags["mlkit.rows_of_data"] == "4210"
    assert tags["mlkit.time_range"] == "2013-01-01T05:00:00 to 2013-12-31T22:00:00"
    assert (tags["mlkit.commit"], tags["mlkit.dirty"]) == ("c0ffee", "true")
    assert json.loads(tags["mlkit.lock"]) == LINEAGE["lock"]
    assert json.loads(tags["mlkit.threads"]) == LINEAGE["threads"]
    assert json.loads(tags["mlkit.libraries"]) == LINEAGE["libraries"]
    files = files_of(tracker, run.info.run_id)
    assert {"config.yaml", "lineage.json", "report.html", "model/MLmodel"} <= files
    names = {*trained.bundle.manifest.files, "manifest.json"}
    assert {f"model/bundle/{name}" for name in names} <= files
    assert outbox.pending(recording.outbox_of(config)) == []


def test_small_data_are_kept_once_by_their_fingerprint(settings, trained, in_project):
    """Large ones are not; what is kept is the file, byte for byte."""
    for most, kept in ((0.001, []), (64, ["ab" * 32 + ".parquet"])):
        config = settings("name=data", f"tracking.snapshot_mib={most}")
        recording.record_training(config, trained, started=now())
        folder = recording.snapshots_of(config)
        assert sorted(path.name for path in folder.glob("*")) == kept
    assert (folder / kept[0]).read_bytes() == Path(config.data.path).read_bytes()


def test_an_evaluation_and_a_search_are_runs_too(tracker, settings, trained, tmp_path):
    """Each with its figures and its files."""
    config = settings("name=others")
    recording.record_evaluation(config, trained.bundle, trained.evaluation, "late.parquet", 0)
    tuned = tmp_path / "model" / "tuned.yaml"
    tuned.parent.mkdir()
    tuned.write_text("estimator: {}")
    recording.record_tuning(config, metric="roc_auc", value=0.71, files=[tuned], started=0)

    (judged,) = tracker.search("others", {"mlkit.kind": "evaluate"})
    assert judged.data.tags["mlkit.bundle"] == trained.bundle.manifest.digest
    assert judged.data.tags["mlkit.path"] == "late.parquet"
    assert judged.data.metrics["roc_auc"] == trained.evaluation.scores[0].value
    assert "evaluation.json" in files_of(tracker, judged.info.run_id)
    (searched,) = tracker.search("others", {"mlkit.kind": "tune"})
    assert searched.data.metrics == {"roc_auc": 0.71}
    assert "tuned/model/tuned.yaml" in files_of(tracker, searched.info.run_id)


def test_without_an_address_nothing_is_recorded(settings, trained):
    """`tracking.uri: null` leaves no file."""
    config = settings("name=none", "tracking.uri=null")
    recording.record_training(config, trained, started=0)
    recording.record_evaluation(config, trained.bundle, trained.evaluation, "x", 0)
    recording.record_tuning(config, metric="m", value=1, files=[], started=0)
    assert not Path(config.tracking.folder).exists()


def test_a_run_that_cannot_be_sent_waits(settings, trained, tracker, uri, capfd, tmp_path):
    """Training goes on, and says where the run lies; `sync` sends it, the oldest first, once."""
    dead = "http://127.0.0.1:1"
    config = settings("name=waits", f"tracking.uri='{dead}'")
    configure_logging("info", "json")
    for started in (5_000, 1_000):
        recording.record_training(config, trained, started=started)
    waiting = outbox.pending(recording.outbox_of(config))
    assert [outbox.read(folder).started for folder in waiting] == [1_000, 5_000]
    told = capfd.readouterr().err
    assert "urllib3" not in told
    events = [json.loads(line) for line in told.splitlines()]
    kept = [event for event in events if event["event"] == "run_kept"]
    assert {event["path"] for event in kept} == {str(folder) for folder in waiting}
    assert all(dead in event["reason"] and event["todo"] == "mlkit sync" for event in kept)
    assert tracker.search("waits", {}) == []

    with pytest.raises(UnreachableError, match="See that it runs, and at this address"):
        sync(dead, recording.outbox_of(config))
    assert len(sync(uri, recording.outbox_of(config))) == 2
    assert sync(uri, recording.outbox_of(config)) == []
    assert len(tracker.search("waits", {"mlkit.kind": "train"})) == 2


def test_a_run_that_was_sent_in_part_is_completed(settings, trained, tracker, tmp_path):
    """Sent again after a kill, MLflow has it once."""
    config = settings("name=partial")
    run = outbox.Run(
        id=outbox.new_id(),
        kind="train",
        name="partial",
        started=0,
        ended=1,
        params={"seed": "1"},
        metrics={"roc_auc": 0.5},
        tags={},
    )
    folder = outbox.keep(recording.outbox_of(config), run, {"bundle": trained.bundle.path})
    experiment = tracker.client.create_experiment("partial", (tmp_path / "a").as_uri())
    begun = tracker.client.create_run(experiment, tags={"mlkit.run": run.id})
    tracker.client.log_param(begun.info.run_id, "seed", "1")
    assert tracker.send(folder) == begun.info.run_id
    (found,) = tracker.search("partial", {})
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"roc_auc": 0.5})
    assert "model/MLmodel" in files_of(tracker, begun.info.run_id)


def test_passwords_of_addresses_are_not_recorded(settings, trained, tmp_path):
    """Neither with the run that waits, nor in what is shown."""
    config = settings("name=secret", "tracking.uri='https://me:hunter2@127.0.0.1:1'")
    recording.record_training(config, trained, started=0)
    files = [path for path in Path(config.tracking.folder).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"hunter2" in path.read_bytes()]
    assert shown("postgresql+psycopg://me:hunter2@host/db") == "postgresql+psycopg://***@host/db"
    with pytest.raises(UnreachableError) as caught:
        connect("https://me:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


def test_a_bundle_says_nothing_of_the_tracking_store(in_project, tmp_path):
    """What a model is made from does not depend on where it is written down."""
    from mlkit.training import lineage, workflow
    from mlkit.training.data import read_frame

    config = load_config(overrides=["tracking.uri='https://me:hunter2@host'"])
    schema = workflow.schema_of(config)
    frame = schema.validate(read_frame(config.data.path, schema).head(50))
    assert "hunter2" not in json.dumps(lineage.describe(config, schema, frame, {}))


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "ftp://host", "", "sqlite3:///x"])
def test_what_is_no_address_is_refused(uri):
    """Before anything is trained or sent."""
    with pytest.raises(ConfigError, match="is no address of MLflow"):
        connect(uri)


def test_a_run_that_was_damaged_is_named(uri, tmp_path):
    """The message says which file, and what to do."""
    run = outbox.Run(
        id="a", kind="tune", name="m", started=0, ended=0, params={}, metrics={}, tags={}
    )
    folder = outbox.keep(tmp_path / "outbox", run, {})
    (folder / outbox.RUN).write_text("{")
    with pytest.raises(RegistryError, match=r"run\.json cannot be read.*Mend it, or remove"):
        sync(uri, tmp_path / "outbox")
