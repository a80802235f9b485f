"""What a service answered is in its log, whatever happens to the service."""

import resource
import sys
from math import inf
from time import monotonic

import pytest
from loads_of_tests import Load
from projects import run
from services_of_tests import Running, serving, wait_for

from mlkit import Predictor
from mlkit.history.reading import read_log


def ask(service: Running, request: str, records: dict | list) -> list[dict]:
    """Have records predicted under a request's id."""
    answer = service.client.post("/predict", json=records, headers={"x-request-id": request})
    assert answer.status_code == 200
    found = answer.json()
    return found if isinstance(found, list) else [found]


def test_each_prediction_leaves_its_receipt(packed, tmp_path):
    """What was asked, what was answered and by which bundle; all is written at the end."""
    predictor = Predictor.load(packed)
    records = predictor.bundle.golden.records
    with serving(tmp_path, packed, log={"flush_seconds": 60}) as service:
        answers = {
            "one": ask(service, "one", {**records[0], "unknown": "x"}),
            "many": ask(service, "many", records * 10),
            "none": ask(service, "none", []),
        }
        service.stop()
    frame = read_log(tmp_path / "predictions")
    assert "input.unknown" not in frame
    for request, predictions in answers.items():
        rows = frame[frame["id"] == request]
        assert rows["row"].tolist() == list(range(len(predictions)))
        assert rows["label"].tolist() == [each["label"] for each in predictions]
        assert rows["probability"].tolist() == [each["probability"] for each in predictions]
    assert set(frame["digest"]) == {predictor.bundle.manifest.digest}
    asked = frame.loc[frame["id"] == "many", "input.carrier"].tolist()
    assert asked == [record["carrier"] for record in records * 10]


def test_a_receipt_waits_no_longer_than_it_may(packed, record, tmp_path):
    """Though no other comes, and the service runs on; so does a line of the access log."""
    with serving(tmp_path, packed, log={"flush_seconds": 0.2}) as service:
        ask(service, "alone", record)
        wait_for(lambda: "alone" in set(read_log(tmp_path / "predictions")["id"]))
        wait_for(lambda: '"request":"alone"' in service.told())


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.5])
def test_at_most_flush_seconds_are_lost(packed, record, tmp_path, seconds):
    """What was answered before then is in the log of a service that was killed."""
    settings = {"log": {"flush_seconds": seconds}, "access_log": False}
    with (
        serving(tmp_path, packed, **settings) as service,
        Load(service.address, record, 4) as load,
    ):
        wait_for(lambda: load.answered(before=monotonic() - 2))
        killed = monotonic()
        service.process.kill()
        service.process.wait()
    # Half a second more, for a machine that is busy.
    kept = load.answered(before=killed - 2 * seconds if seconds else inf)
    assert kept
    assert kept <= set(read_log(tmp_path / "predictions")["id"])


@pytest.mark.slow
def test_a_full_segment_is_rotated_while_the_service_runs(packed, record, tmp_path):
    """No receipt is lost or doubled."""
    log = tmp_path / "predictions"
    with serving(tmp_path, packed, log={"segment_mib": 0.1, "flush_seconds": 0}) as service:
        for number in range(40):
            ask(service, f"r{number}", [record] * 20)
        wait_for(lambda: any(log.glob("*.parquet")))
        frame = read_log(log)
    assert len(frame) == 40 * 20
    assert frame["id"].nunique() == 40


@pytest.mark.slow
def test_a_full_disk_stops_no_answer(packed, record, tmp_path):
    """Receipts wait, then are counted as lost; once there is room, they are written again."""
    log = tmp_path / "predictions"
    settings = {"log": {"flush_seconds": 0, "segment_mib": 1000}, "access_log": False}
    with serving(tmp_path, packed, **settings) as service:
        ask(service, "first", record)
        pid = service.process.pid
        # To a process that may write no more to a file, it is as if the disk were full.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2**14, resource.RLIM_INFINITY))
        for number in range(40):
            ask(service, f"batch-{number}", [record] * 4_000)
        assert service.told().count("receipts_delayed") == 1
        text = service.client.get("/metrics").text
        (line,) = [each for each in text.splitlines() if each.startswith("mlkit_receipts_lost_t")]
        n_lost = float(line.split()[1])
        assert 0 < n_lost < 40
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        wait_for(lambda: "receipts_resumed" in service.told())
        ask(service, "last", record)
        service.stop()
    ids = set(read_log(log)["id"])
    assert {"first", "last", "batch-0"} <= ids
    assert len(ids) == 42 - n_lost


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_folder_that_cannot_be_written_is_told_at_the_start(packed, tmp_path, n_workers):
    """In a line, before a worker is started."""
    (tmp_path / "file").touch()
    command = (sys.executable, "-m", "mlkit", "serve", packed, "--port", 0)
    options = ("--workers", n_workers, "--log", "file/predictions")
    done = run(*command, *options, cwd=tmp_path, code=2)
    assert done.stderr.splitlines()[-1] == (
        "mlkit: Receipts cannot be written to the folder file/predictions: Not a directory. Give "
        "another: --log FOLDER, or log.folder of the service's settings; null keeps none."
    )
