"""Read a moment that an option gives."""

import argparse
from datetime import datetime

from mlkit.core.errors import ConfigError
from mlkit.core.moments import in_utc


def moment(option: str, arguments: argparse.Namespace) -> datetime | None:
    """Return the moment of an option such as `since`, in UTC; None if it is not given.

    Raises
    ------
    ConfigError
        If it is no moment.
    """
    text = getattr(arguments, option)
    try:
        return None if text is None else in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--{option} {text} is no moment. Write it as 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None
