"""Moments, which are in UTC where they do not say otherwise."""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """Return a moment with its time zone, UTC; one without a zone is taken for it."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
