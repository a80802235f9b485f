"""A moment is the same wherever it is read."""

from datetime import UTC, datetime

import pytest

from mlkit.core.moments import in_utc

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2024-03-01T12:00:00", "2024-03-01T12:00:00Z", "2024-03-01T14:00:00+02:00"]
)
def test_a_moment_is_in_utc(text):
    """One without a zone is taken for UTC, one in another is turned into it."""
    found = in_utc(datetime.fromisoformat(text))
    assert (found, found.tzinfo) == (NOON, UTC)
