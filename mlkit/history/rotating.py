"""Turn closed segments into Parquet: `python -m mlkit.history.rotating FOLDER`.

The tables of a segment count once the segment is gone, which is the last step: whenever
this is killed, readers find each receipt once, and the next run begins the segment again.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from mlkit.core.errors import MlkitError
from mlkit.core.files import flush
from mlkit.core.log import configure_logging, get_logger
from mlkit.core.receipts import TABLE, closed_segments, read_receipts, seized
from mlkit.history.columns import Shape, batches
from mlkit.history.reading import schemas

log = get_logger(__name__)
#: Of a row group, in memory.
_GROUP_BYTES = 32 * 2**20


def rotate(folder: Path) -> int:
    """Turn every closed segment into Parquet, unless another process does.

    Returns
    -------
    int
        How many were.
    """
    n_done = 0
    gate = folder / ".rotation"
    gate.touch()
    with seized(gate) as alone:
        left: set[Path] = set()
        while alone is not None and (paths := sorted({*closed_segments(folder)} - left)):
            for path in paths:
                with seized(path) as segment:
                    if segment is None:
                        continue
                    if _turned(segment, path):
                        n_done += 1
                    else:
                        # Readers read it as it is.
                        left.add(path)
    return n_done


def _turned(segment: BinaryIO, path: Path) -> bool:
    try:
        drafts = _write(segment, path)
    except (MlkitError, OSError, pa.ArrowException) as error:
        for draft in path.parent.glob(f".{path.stem}.*"):
            draft.unlink()
        log.error("segment_kept", file=str(path), reason=str(error))
        return False
    for draft in drafts:
        draft.rename(draft.with_name(draft.name.removeprefix(".")))
    flush(path.parent)
    path.unlink()
    log.info("segment_rotated", file=str(path), tables=len(drafts))
    return True


def _write(segment: BinaryIO, path: Path) -> list[Path]:
    """Write the tables of a segment where no reader looks."""
    tables: dict[Shape, _Table] = {}
    with ExitStack() as stack:
        for shape, batch in batches(read_receipts(segment), schemas(path.parent)):
            if shape not in tables:
                draft = path.with_name(f".{path.stem}.{len(tables)}{TABLE}")
                tables[shape] = stack.enter_context(_Table(draft, batch.schema))
            tables[shape].add(batch)
    for table in tables.values():
        flush(table.path)
    return [table.path for table in tables.values()]


class _Table:
    """A Parquet file whose row groups are worth their overhead."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        if sum(each.nbytes for each in self._batches) >= _GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._batches))
        self._batches = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None and self._batches:
            self._write()
        self._writer.close()


def main(arguments: Iterable[str]) -> None:
    """Do it in a folder, when nothing else wants the processor."""
    os.nice(19)
    configure_logging()
    (folder,) = arguments
    rotate(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
