"""`POST /predict` answers as the Predictor does."""

import pytest

from mlkit import Predictor


@pytest.fixture(scope="module")
def predictor(packed) -> Predictor:
    """Return what a service must agree with."""
    return Predictor.load(packed)


def test_answers_a_record_as_the_predictor_does(service, record, predictor):
    """One record, one prediction, with the same figures."""
    answer = service.client.post("/predict", json=record)
    assert answer.status_code == 200
    assert answer.json() == predictor.predict(record).to_dict()


def test_answers_a_list_in_its_order(service, predictor):
    """As many predictions as records; none for none."""
    records = predictor.bundle.golden.records * 3
    answer = service.client.post("/predict", json=records)
    assert answer.json() == [each.to_dict() for each in predictor.predict(records)]
    assert service.client.post("/predict", json=[]).json() == []
