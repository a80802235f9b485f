"""Answers come late, twice, corrected and in any order: the last one given counts."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forks_of_tests import program
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Schema, column
from mlkit.core.errors import DataError
from mlkit.core.receipts import Receipt, closed_segments, schema_file
from mlkit.history.reading import read_log, read_table
from mlkit.history.rotating import rotate
from mlkit.monitoring.labels import add_labels, count_labels, label_keys, labels_of
from mlkit.training.data import read_frame


class Visit(Schema):
    """Something with each way to name a record, and answers of each type."""

    shop: str = column(role="key")
    number: int = column(role="key")
    guest: str | None = column(role="key")
    came: datetime = column(role="event_time")
    booked: datetime | None = column(tz="America/New_York")
    price: float | None = column(ge=0)
    is_open: bool | None
    person: str | None = column(pii=True)
    stayed: float | None = column(role="outcome", ge=0, unit="min")
    stars: int | None = column(role="outcome", ge=1, le=5)
    returned: bool = column(role="target")
    left: datetime | None = column(role="outcome", tz="America/New_York")
    word: str | None = column(role="outcome")
    diagnosis: str | None = column(role="outcome", pii=True)


STAYED = Visit.columns["stayed"]
CAME = datetime(2024, 5, 1, 12)


def visit(number: int, **changes) -> dict:
    """Return what was asked for one visit."""
    return {
        "shop": "north",
        "number": number,
        "guest": None,
        "came": CAME + timedelta(days=number),
        "booked": "2024-04-01T08:00:00-04:00",
        "price": 0.1 * number,
        "is_open": True,
        "person": "P. Erson",
    } | changes


def write_log(log: Path, requests: dict[str, list[dict]], role: str = "champion") -> Path:
    """Write receipts as a service does."""
    path = schema_file(log, "s")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Visit.to_json(), encoding="utf-8")
    with (log / "1.jsonl").open("ab") as segment:
        for request, records in requests.items():
            receipt = Receipt(
                id=request,
                time=1.5,
                name="m",
                model="m/1",
                digest="d",
                schema="s",
                ms=0.25,
                records=[{k: v for k, v in each.items() if k != "person"} for each in records],
                label=[True] * len(records),
                role=role,
            )
            segment.write(msgspec.json.encode(receipt) + b"\n")
    return log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of two requests of one record, and one of three."""
    requests = {"a": [visit(1)], "b": [visit(2)], "c": [visit(3), visit(4), visit(5)]}
    return write_log(tmp_path / "predictions", requests)


def answers(log: Path, name: str = "stayed") -> list:
    """Return the answers to a log's rows, None where there is none."""
    found = labels_of(log, read_table(log), Visit.columns[name])
    return [None if pd.isna(value) else value for value in found]
