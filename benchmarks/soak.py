"""Ask mlkit's service at full rate for minutes, and see that nothing grows and nothing is lost.

Exits with 1 if memory grows by more than its bound, files stay open, a request fails, or a
receipt is missing.

    python benchmarks/soak.py 5
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from pyarrow.parquet import read_metadata
from reporting import machine, say
from serve import CONNECTIONS, PACKAGES, prepared
from servers import Server, mlkit

#: Of the memory after the warm-up.
MOST_GROWTH = 0.05
WARM_UP = 30.0
#: Between two looks at the memory, in s.
STEP = 10.0


def n_receipts(folder: Path) -> int:
    """Count the receipts of requests of one record; a table counts once its segment is gone."""
    segments = list(folder.glob("*.jsonl"))
    open_stems = {path.stem for path in segments}
    tables = [path for path in folder.glob("*.parquet") if _stem(path) not in open_stems]
    lines = sum(_lines(path) for path in segments)
    return lines + sum(read_metadata(path).num_rows for path in tables)


def _stem(table: Path) -> str:
    return table.name.split(".")[0]


def _lines(segment: Path) -> int:
    with segment.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(2**20), b""))


def settled(server: Server) -> tuple[float, int]:
    """Return memory, in MB, and open files, once no connection is left."""
    sleep(2)
    return server.resident(), server.open_files()


def main() -> int:
    """Ask, print what was found, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=5.0)
    parser.add_argument("--keep", type=Path, help="folder of data and model, kept for next time")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        work = prepared(options.keep or Path(temporary), Path(temporary) / "servers")
        side = mlkit()
        with work.run(side) as server:
            # The first was asked to see that it answers.
            asked = 1 + len(work.load(side, server, WARM_UP).latencies)
            before, files = settled(server)
            say(f"after the warm-up: {before:.1f} MB, {files} open files")
            for _ in range(round(options.minutes * 60 / STEP)):
                took = work.load(side, server, STEP)
                asked += len(took.latencies)
                say(f"{took.rate:,.0f} requests/s, {server.resident():.1f} MB")
            after, files_after = settled(server)
        kept = n_receipts(work.folder / "server" / "predictions")
    growth = after / before - 1
    print(
        f"{asked:,} requests over {CONNECTIONS} connections, none failed; memory {before:.1f} MB "
        f"after the warm-up, {after:.1f} MB at the end ({growth:+.1%}); open files {files}, "
        f"{files_after}; {kept:,} receipts.\n{machine(PACKAGES)}."
    )
    faults = [
        *([f"memory grew by more than {MOST_GROWTH:.0%}"] if growth > MOST_GROWTH else []),
        *(["files stay open"] if files_after > files else []),
        *([f"{asked - kept:,} receipts are missing"] if kept != asked else []),
    ]
    for fault in faults:
        print(f"Missed: {fault}.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
