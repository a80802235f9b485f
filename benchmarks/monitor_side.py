"""Let Evidently compare columns, in an environment of its own.

    python benchmarks/monitor_side.py reference.parquet current.parquet asked.json

prints a list of scores, one for each `[column, kind, method]` that is asked for, and what it
took.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift


def main() -> None:
    """Print the scores, in the order of what is asked."""
    start = perf_counter()
    before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
    asked = json.loads(Path(sys.argv[3]).read_text())
    kinds = {column: kind for column, kind, _ in asked}
    definition = DataDefinition(
        numerical_columns=[name for name, kind in kinds.items() if kind == "number"],
        categorical_columns=[name for name, kind in kinds.items() if kind == "category"],
    )
    reference, current = (
        Dataset.from_pandas(frame[[*kinds]], data_definition=definition) for frame in (before, now)
    )
    report = Report([ValueDrift(column=column, method=method) for column, _, method in asked])
    found = report.run(current, reference).dict()["metrics"]
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scores = [float(each["value"]) for each in found]
    print(json.dumps({"scores": scores, "mib": mib, "work": perf_counter() - start}))


if __name__ == "__main__":
    main()
