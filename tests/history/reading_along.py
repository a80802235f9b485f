"""Read a log again and again while it is rotated; test_rotating.py runs this.

`python reading_along.py LOG` prints, as JSON, how many segments were rotated, and what was
read that was not all of it.
"""

import json
import sys
from pathlib import Path

from forks_of_tests import crowd

from mlkit.core.receipts import closed_segments
from mlkit.history.reading import read_log
from mlkit.history.rotating import rotate


def main(log: Path) -> None:
    """Do both at once, in processes of their own."""
    n_segments = len(closed_segments(log))

    def read() -> list[int]:
        odd = []
        while not odd:
            is_done = not any(log.glob("*.jsonl"))
            frame = read_log(log)
            if len(frame) != 2 * n_segments or frame["id"].nunique() != n_segments:
                odd.append(len(frame))
            if is_done:
                break
        return odd

    odd, rotated = crowd([read, lambda: rotate(log)])
    print(json.dumps({"rotated": rotated, "odd": odd}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
