"""Workers share a port; one that dies is replaced, and what was counted and kept stays."""

import os
import shutil
import signal
from collections import Counter

import httpx
import pytest
from changed_of_tests import demanding, twin
from loads_of_tests import Load, receipts
from services_of_tests import Running, children, is_alive, serving, wait_for

pytestmark = pytest.mark.slow

#: In full: make simulate-service.
IN_FULL = int(os.environ.get("SIMULATIONS", "0")) >= 1000
N_KILLS = 20 if IN_FULL else 3
N_WORKERS = 2


def workers(running: Running) -> set[int]:
    """Return the ids of the processes that serve."""
    return children(running.process.pid, b"spawn_main")


def answered(running: Running) -> float:
    """Return how many predictions were asked for, all workers together."""
    lines = httpx.get(f"{running.address}/metrics").text.splitlines()
    name = 'mlkit_requests_total{code="200",endpoint="predict",model="flight-delay"} '
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


def test_kills_under_load(packed, record, tmp_path):
    """The service answers on, and nothing is lost but what a killed worker had in its hands."""
    options = {"workers": N_WORKERS, "log": {"flush_seconds": 0}, "access_log": False}
    n_threads = 3
    with serving(tmp_path, packed, **options) as running:
        with Load(running.address, record, n_threads) as load:
            for _ in range(N_KILLS):
                before = workers(running)
                assert len(before) == N_WORKERS
                os.kill(min(before), signal.SIGKILL)
                wait_for(lambda before=before: len(workers(running) - before) == 1)
                n_answers = len(load.answers)
                wait_for(lambda n=n_answers: len(load.answers) > n + 100)
        # What a worker left is rotated by the one in its place.
        wait_for(lambda: any((tmp_path / "predictions").glob("*.parquet")))
        counted = answered(running)
        assert running.told().count("worker_replaced") == N_KILLS
        assert running.stop() == 0
    statuses = load.statuses()
    print(f"{N_KILLS} kills: {statuses[200]} answered, {statuses[0]} connections broke")  # noqa: T201
    assert set(statuses) <= {200, 0}
    # Each thread has one request at a time, and notices a broken connection once.
    assert statuses[0] <= N_KILLS * n_threads
    ids = Counter(each["id"] for each in receipts(tmp_path / "predictions"))
    answers = load.answered()
    assert set(ids.values()) == {1}
    # With flush_seconds 0 a receipt is written before its answer is sent.
    assert answers <= ids.keys()
    # An answer is counted once it is sent.
    assert len(answers) - N_KILLS * n_threads <= counted <= len(load.answers)


def test_a_worker_that_is_replaced_answers_as_the_others_do(packed, record, tmp_path):
    """Though a bundle lies in the folder that they refused."""
    place = tmp_path / "place"
    shutil.copytree(packed, place)
    with serving(tmp_path, place, workers=2, watch_seconds=0.05) as running:
        model = httpx.post(f"{running.address}/predict", json=record).json()["model"]
        shutil.rmtree(place)
        demanding(packed, place)
        wait_for(lambda: running.told().count("bundle_refused") == 2)
        before = workers(running)
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: running.told().count("bundle_refused") == 3)
        found = [httpx.post(f"{running.address}/predict", json=record) for _ in range(20)]
        assert {each.json()["model"] for each in found} == {model}
        assert running.stop() == 0


def test_a_worker_that_cannot_start_ends_the_service(packed, tmp_path):
    """With its reason as the last line, its exit code, and not before the port is told."""
    folder = tmp_path / "bad"
    shutil.copytree(packed, folder)
    (folder / "model.onnx").write_bytes(b"")
    with (
        pytest.raises(RuntimeError, match=r"exit code 5:\n(.*\n)*mlkit: .*model\.onnx"),
        serving(tmp_path, folder, workers=2),
    ):
        pass


def test_a_worker_that_cannot_be_replaced_ends_no_other(packed, record, tmp_path):
    """Where receipts went is no folder any more; as soon as it is, there are two again."""
    options = {"workers": 2, "access_log": False}
    log = tmp_path / "predictions"
    with serving(tmp_path, packed, **options) as running:
        shutil.rmtree(log)
        log.touch()
        before = workers(running)
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: running.told().count("worker_failed") >= 2)
        found = httpx.post(f"{running.address}/predict", json=record)
        assert found.status_code == 200
        log.unlink()
        n_replaced = running.told().count("worker_replaced")
        wait_for(lambda: any(log.glob("*.jsonl")) and len(workers(running)) == 2)
        assert running.told().count("worker_replaced") <= n_replaced + 1
        assert running.stop() == 0


def test_workers_end_with_their_parent(packed, tmp_path):
    """Even by kill -9 of it: none keeps the port."""
    with serving(tmp_path, packed, workers=2) as running:
        left = workers(running)
        assert len(left) == 2
        running.process.kill()
        wait_for(lambda: not any(map(is_alive, left)))


def test_several_models_in_one_service(packed, record, tmp_path):
    """Each under its bundle's name, the first without one; two of one name are refused."""
    with (
        pytest.raises(RuntimeError, match=r"exit code 2:\n(.*\n)*mlkit: Two models are called"),
        serving(tmp_path, packed, packed),
    ):
        pass
    other = twin(packed, tmp_path / "twin", 1)
    models = [{"bundle": str(packed)}, {"bundle": str(other), "name": "other"}]
    with serving(tmp_path, models=models) as running:
        first, same, second = (
            running.client.post(path, json=record).json()
            for path in ("/predict", "/models/flight-delay/predict", "/models/other/predict")
        )
    assert first == same
    assert second == {**first, "model": second["model"]}
    assert second["model"] != first["model"]
