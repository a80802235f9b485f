"""What schemathesis is told of this API that its document cannot say."""

from datetime import UTC, datetime

import schemathesis
from hypothesis import strategies as st

#: JSON Schema knows no difference between 1e30 and the whole number that it is, which double
#: precision may not hold, and which is refused where it is written in full.
_LARGEST_WRITTEN_IN_FULL = 2**53
_NUMBERS = ("age", "mass")

# The registry of formats has the name; in schemathesis it is not.
schemathesis.openapi.format("date-time-local", st.datetimes().map(datetime.isoformat))
# Of the years 1 and 9999 some moments lie in others, in UTC.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)).map(
        datetime.isoformat
    ),
)


@schemathesis.hook
def filter_body(_context: schemathesis.HookContext, body: object) -> bool:
    """Leave out whole numbers that stand in full where double precision is meant."""
    records = body if isinstance(body, list) else [body]
    values = [
        record.get(name) for record in records if isinstance(record, dict) for name in _NUMBERS
    ]
    return all(
        isinstance(value, float) or abs(value) <= _LARGEST_WRITTEN_IN_FULL
        for value in values
        if isinstance(value, (int, float))
    )
