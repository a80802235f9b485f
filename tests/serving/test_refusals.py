"""What callers are told of a request that is refused, and what nobody is told."""

import os

import pytest
from projects import ROOT
from services_of_tests import serving
from visits_of_tests import SECRET, Failing, visit_bundle

from mlkit.core.bundle import Bundle

#: Longer than what a time, an id or a digest has by chance.
ROOM = 471_108_150_742


@pytest.fixture(scope="module")
def service(visit_bundles, tmp_path_factory):
    """Return a service of a schema with personal data."""
    models = [{"bundle": str(visit_bundles("binary")), "name": "stay"}]
    with serving(tmp_path_factory.mktemp("service"), models=models) as running:
        yield running


@pytest.fixture(scope="module")
def record(visit_bundles) -> dict:
    """Return a record that the model takes."""
    return Bundle.open(visit_bundles("binary")).golden.records[0]


def left_behind(service) -> str:
    """Return all that a stopped service wrote: its log and its receipts."""
    service.stop()
    files = [path for path in service.errors.parent.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_names_each_field_its_rule_and_what_was_found(service, record):
    """All faults of a record at once, in words and in fields."""
    broken = {**record, "age": -1, "ward": "c", "at": "yesterday", "beds": None}
    answer = service.client.post("/predict", json=broken)
    assert answer.status_code == 422
    assert answer.json()["violations"] == [
        {"field": "age", "rule": "is not at least 0", "found": "-1"},
        {"field": "beds", "rule": "is missing"},
        {"field": "ward", "rule": "is none of a, b", "found": "'c'"},
        {"field": "at", "rule": "is not a datetime without a time zone", "found": "'yesterday'"},
    ]
    assert answer.json()["error"].startswith("Not a record of Visit: age: is not at least 0")


def test_names_the_record_of_a_list(service, record):
    """By its place, for the records at fault alone."""
    records = [record, {**record, "age": 200}, record, {**record, "floor": 9}]
    answer = service.client.post("/predict", json=records)
    assert answer.status_code == 422
    assert answer.json()["violations"] == [
        {"field": "age", "record": 1, "rule": "is not at most 130", "found": "200"},
        {"field": "floor", "record": 3, "rule": "is none of 1, 2, 3", "found": "9"},
    ]


def test_lists_no_more_than_a_reader_reads(service):
    """A batch of broken records has as many violations as fields; a hundred are listed."""
    answer = service.client.post("/predict", json=[{}] * 500)
    assert answer.status_code == 422
    assert len(answer.json()["violations"]) == 100
    assert answer.json()["error"].endswith(" And 495 more.")


def test_shows_the_beginning_of_what_is_long_or_nested(service, record):
    """An answer is no longer for it, and nesting breaks nothing."""
    nested: list = []
    for _ in range(900):
        nested = [nested]
    for value in ("x" * 100_000, [[1] * 1000] * 100, nested, {"a": {"b": {"c": {"d": 1}}}}):
        answer = service.client.post("/predict", json={**record, "age": value})
        assert answer.status_code == 422
        (violation,) = answer.json()["violations"]
        assert len(violation["found"]) <= 60
        assert len(answer.content) < 500


def test_says_what_an_address_takes(service):
    """Of a wrong method, and of an address that is none."""
    wrong = service.client.put("/predict", json={})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json() == {"error": "/predict takes POST; found PUT."}
    absent = service.client.get("/predict/")
    assert absent.status_code == 404
    assert absent.json() == {"error": "There is nothing at /predict/; /docs says what there is."}


def test_personal_data_are_in_no_answer_log_or_receipt(visit_bundles, record, tmp_path):
    """Neither where the record is right nor where it is refused, of any type, in any form."""
    models = [{"bundle": str(visit_bundles("binary")), "name": "stay"}]
    shown = []
    with serving(tmp_path, models=models) as running:
        for field, value in {
            "patient": f"Jane Roe {ROOM}",
            "born": "1968-04-11T00:00:00",
            "room": ROOM,
        }.items():
            right = {**record, field: value}
            for broken in (
                right,
                {**right, "age": -1},
                {**right, field: f"{value}?" if field != "patient" else [value]},
                {**right, field: {"x": value}},
            ):
                shown.append(running.client.post("/predict", json=broken).text)
                shown.append(running.client.post("/predict", json=[broken, broken]).text)
                tensors = [
                    {"name": name, "shape": [1], "datatype": "BYTES", "data": [given]}
                    for name, given in broken.items()
                ]
                answer = running.client.post("/v2/models/stay/infer", json={"inputs": tensors})
                shown.append(answer.text)
        text = left_behind(running)
    for written in (text, "".join(shown)):
        assert str(ROOM) not in written
        assert "1968-04-11" not in written


@pytest.mark.slow
def test_a_failure_says_nothing_but_that_it_is_one(record, tmp_path):
    """No value, no stack trace: neither in the answer nor in the log, where its place is."""
    bundle = visit_bundle("binary", tmp_path / "bundle", Failing())
    assert Bundle.open(bundle).manifest.runtime == "python"
    paths = os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", paths)
        (tmp_path / "run").mkdir()
        with serving(tmp_path / "run", bundle, "--trust", "visits_of_tests") as running:
            assert running.client.post("/predict", json=record).status_code == 200
            answer = running.client.post("/predict", json={**record, "patient": SECRET})
            tensors = [
                {"name": name, "shape": [1], "datatype": "BYTES", "data": [value]}
                for name, value in {**record, "patient": SECRET}.items()
            ]
            again = running.client.post("/v2/models/m/infer", json={"inputs": tensors})
            text = left_behind(running)
    assert (answer.status_code, again.status_code) == (500, 500)
    number = answer.headers["x-request-id"]
    assert answer.json() == {"error": f"The service failed; its log has the reason under {number}."}
    assert "Jane" not in text
    assert "Traceback" not in text
    (logged,) = (line for line in text.splitlines() if number in line and "request_failed" in line)
    assert '"kind": "ValueError"' in logged
    assert "visits_of_tests.py:" in logged
