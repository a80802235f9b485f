"""Add answers while killed at each step, or many processes at once; test_labels.py runs this.

`python adding.py LOG` prints, as JSON, at how many steps it was killed, what was found after
which of them that should not be, and what processes at once found to be new.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
from forks_of_tests import crowd, forked
from kills_of_tests import Killed

from mlkit.core.schema import Schema
from mlkit.history.reading import read_table
from mlkit.monitoring.labels import add_labels, labels_of


def add(log: Path, schema: type[Schema], ids: list[str]) -> int:
    """Answer requests, and return how many answers were new."""
    frame = pd.DataFrame({"id": ids, "stayed": [float(ord(each)) for each in ids]})
    return add_labels(log, frame, schema).n_new


def answers(log: Path, schema: type[Schema]) -> list[float]:
    """Return the answers to a log's rows, read by another process; -1 where there is none."""

    def read() -> list[float]:
        return labels_of(log, read_table(log), schema.columns["stayed"]).fillna(-1).tolist()

    return crowd([read])[0]


def interrupted(log: Path, schema: type[Schema], at: int) -> None:
    """Correct one answer and give another, until the step."""
    Killed(at)
    add(log, schema, ["b", "c"])


def main(source: Path) -> None:
    """Kill at the first step, then at the second, until there is none left; then add at once."""
    schema = Schema.from_json((source / "schemas" / "s.json").read_bytes())
    forked(lambda: add(source, schema, ["a"]))
    before = answers(source, schema)
    odd, at, after = [], 0, []
    while True:
        at += 1
        log = source.with_name(f"killed-{at}")
        shutil.copytree(source, log)
        status = forked(lambda log=log, at=at: interrupted(log, schema, at))
        after.append(answers(log, schema))
        if not os.WIFSIGNALED(status):
            break
        n_files = len([*(log / "labels").glob("[!.]*")])
        forked(lambda log=log: add(log, schema, ["b", "c"]))
        odd += [f"lost after {at}"] if after[-1] != before and n_files == 1 else []
        odd += [f"another after {at}"] if answers(log, schema) != [97.0, 98.0, 99.0] else []
        odd += [f"left {path.name} after {at}" for path in (log / "labels").glob(".*.parquet.*")]
    odd += [str(each) for each in after if each not in (before, after[-1])]
    pairs = [["a", "b"], ["b", "c"], ["c", "a"], ["c", "b"], ["b", "a"], ["a", "b", "c"]]
    new = crowd([lambda ids=ids: add(source, schema, ids) for ids in pairs])
    found = answers(source, schema)
    print(json.dumps({"killed": at - 1, "odd": odd, "new": new, "found": found}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
