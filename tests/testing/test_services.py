"""A test asks a service that runs as its users run it."""

import pytest

from mlkit.core.bundle import Bundle
from mlkit.core.errors import CheckError
from mlkit.testing import serving


def test_a_service_answers_and_ends(packed, predictor, tmp_path):
    """It predicts as the predictor does, keeps receipts in its folder, and is gone afterwards."""
    record = Bundle.open(packed).golden.records[0]
    with serving(tmp_path, [{"bundle": packed, "name": "flights"}]) as service:
        expected = predictor.predict(record).to_dict()
        assert service.post(record, **{"X-Request-Id": "mine"}) == (200, expected)
        assert service.post([record], "flights") == (200, [expected])
        status, answer = service.post({"carrier": "UA"})
        assert status == 422
        assert "origin" in str(answer)
    logs = (tmp_path / "predictions").rglob("*")
    assert any(b"mine" in file.read_bytes() for file in logs if file.is_file())
    with pytest.raises(OSError, match="refused"):
        service.post(record)


def test_a_service_that_does_not_start_says_why(tmp_path):
    """With what the command said."""
    with (
        pytest.raises(CheckError, match=r"does not start: .*nowhere"),
        serving(tmp_path, [{"bundle": tmp_path / "nowhere"}]),
    ):
        pass
