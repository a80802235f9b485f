"""What each prediction leaves behind, and the folder in which it lies.

Each process appends to a segment of its own, STEM.jsonl: a receipt a line, of which only the
last can be cut short. While it lives, it holds a lock on it. A segment that is closed may be
turned into STEM.0.parquet, STEM.1.parquet and so on: these count once STEM.jsonl is gone.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from mlkit.core.log import get_logger

log = get_logger(__name__)

SEGMENT = ".jsonl"
TABLE = ".parquet"
Role = Literal["champion", "canary", "shadow"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one bundle said to one request.

    Attributes
    ----------
    id
        The request's.
    time
        When it was answered, in s since 1970, UTC.
    name
        Under which the model is served.
    model
        The name and digest of the bundle, as predictions carry it.
    digest, schema
        SHA-256 of the bundle, and of its schema.
    ms
        How long the bundle took for all records, in ms.
    records
        What was asked, without personal data and fields that the schema does not name.
    label, probability, probabilities
        What was said of each record; see `Prediction`.
    role
        Whether it was the answer of the champion or a canary, or a shadow's.
    rows
        Each record's place in the request, where that is not its place here.
    """

    id: str
    time: float
    name: str
    model: str
    digest: str
    schema: str
    ms: float
    records: list[dict[str, Any]]
    label: list[Any]
    probability: list[float] | None = None
    probabilities: list[dict[str, float]] | None = None
    role: Role = "champion"
    rows: list[int] | None = None


def schema_file(folder: Path, digest: str) -> Path:
    """Return where a log keeps the JSON of a schema that its receipts name."""
    return folder / "schemas" / f"{digest}.json"


def read_receipts(segment: BinaryIO) -> Iterator[Receipt]:
    """Yield the receipts of a segment; a line that was cut short is left out."""
    decoder = msgspec.json.Decoder(Receipt)
    for number, line in enumerate(segment, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning(
                "receipt_unreadable", file=str(segment.name), line=number, reason=str(error)
            )


def closed_segments(folder: Path) -> list[Path]:
    """Return the segments that no process writes any more, the oldest first."""
    segments = []
    for path in sorted(folder.glob(f"[!.]*{SEGMENT}")):
        with seized(path) as file:
            if file is not None:
                segments.append(path)
    return segments


@contextmanager
def seized(path: Path) -> Iterator[BinaryIO | None]:
    """Open a file that nobody else may then seize; yield None if it is gone, taken or closed."""
    try:
        file = path.open("rb")
    except (FileNotFoundError, PermissionError):
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file
