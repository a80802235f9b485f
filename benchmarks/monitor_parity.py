"""Hold mlkit's figures of drift against scipy's and Evidently's, on the flights of a year.

January to March is the reference, each later month a window. Prints the largest differences;
exits with 1 if one is beyond its tolerance. README.md says what must be equal, and why.

    python benchmarks/monitor_parity.py
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from environments import interpreter
from reporting import ENVIRONMENT, machine, say
from scipy import stats

from mlkit import Schema
from mlkit.monitoring.drift import OTHER, Categories, Numbers
from mlkit.monitoring.findings import Drift

SIDE = Path(__file__).with_name("monitor_side.py")
SILENT = {"DO_NOT_TRACK": "1", "ITERATIVE_DO_NOT_TRACK": "1"}
#: More rows than scipy takes for its exact test of Kolmogorov and Smirnov: ours is the asymptotic.
N_REFERENCE = 12_000
#: The largest difference of each figure, relative to the larger one of both.
TOLERANCES = {
    "KS statistic, scipy": 1e-12,
    "KS p-value, scipy": 1e-9,
    "KS p-value, Evidently": 1e-9,
    "chi-square statistic, scipy's chi2_contingency": 1e-12,
    "chi-square p-value, scipy's chi2_contingency": 1e-9,
    "chi-square statistic, by Evidently's cells": 1e-9,
    "chi-square p-value of Evidently, by our cells": 1e-9,
    "PSI of categories, Evidently": 1e-9,
    "PSI of numbers, Evidently on our bins": 1e-9,
}
#: Below it, a p-value is nothing.
LEAST = 1e-250


def evidently(
    before: pd.DataFrame, now: pd.DataFrame, asked: list[tuple[str, str, str]]
) -> dict[str, Any]:
    """Return what Evidently says of columns; see `monitor_side.py`."""
    with TemporaryDirectory() as place:
        files = [Path(place, name) for name in ("before.parquet", "now.parquet", "asked.json")]
        before.to_parquet(files[0])
        now.to_parquet(files[1])
        files[2].write_text(json.dumps(asked))
        command = [interpreter("evidently"), SIDE, *files]
        ran = subprocess.run(
            command, check=True, capture_output=True, text=True, env=ENVIRONMENT | SILENT
        )
    return json.loads(ran.stdout.splitlines()[-1])


class Month:
    """A month beside the reference, in the words of each side."""

    def __init__(self, before: pd.DataFrame, now: pd.DataFrame, kinds: dict[str, str]) -> None:
        self.found: dict[str, Drift] = {}
        self.before, self.now = before.copy(), now.copy()
        self.asked: list[tuple[str, str, str]] = []
        self.kinds = kinds
        for name, kind in kinds.items():
            made = (Numbers if kind == "number" else Categories)(
                name, name, before[name].to_numpy()
            )
            self.found[name] = made.compare(now[name].to_numpy())
            if isinstance(made, Numbers):
                self.asked.append((name, "number", "ks"))
                for frame in (self.before, self.now):
                    places = np.searchsorted(made.edges, frame[name].to_numpy(), side="right")
                    labels = pd.Series(places.astype(str), index=frame.index).astype(object)
                    frame[f"{name} bin"] = labels.where(frame[name].notna(), None)
                self.asked.append((f"{name} bin", "category", "psi"))
            else:
                apart = {each.label for each in self.found[name].bins} - {OTHER}
                for frame in (self.before, self.now):
                    texts = frame[name].astype(object).astype(str)
                    kept = texts.where(texts.isin(apart), OTHER)
                    frame[f"{name} bin"] = kept.where(frame[name].notna(), None)
                self.asked += [(f"{name} bin", "category", m) for m in ("chisquare", "psi")]

    def differences(self) -> dict[str, list[float]]:
        """Return how far the sides are apart, by figure."""
        scores = evidently(self.before, self.now, self.asked)["scores"]
        theirs = {
            (name, method): s for (name, _, method), s in zip(self.asked, scores, strict=True)
        }
        apart: dict[str, list[float]] = defaultdict(list)
        for name, ours in self.found.items():
            if self.kinds[name] == "number":
                found = stats.ks_2samp(*(f[name].dropna() for f in (self.before, self.now)))
                apart["KS statistic, scipy"].append(_apart(ours.statistic, found.statistic))
                apart["KS p-value, scipy"].append(_apart(ours.p_value, found.pvalue))
                apart["KS p-value, Evidently"].append(_apart(ours.p_value, theirs[name, "ks"]))
                label = "PSI of numbers, Evidently on our bins"
            else:
                self._categories(name, ours, theirs[f"{name} bin", "chisquare"], apart)
                label = "PSI of categories, Evidently"
            # Where a cell is empty on a side, each fills it with a share of its own.
            if all(each.reference and each.current for each in _filled(ours)):
                apart[label].append(_apart(ours.psi, theirs[f"{name} bin", "psi"]))
        return apart

    def _categories(
        self, name: str, ours: Drift, theirs: float, apart: dict[str, list[float]]
    ) -> None:
        counts = [f[f"{name} bin"].value_counts() for f in (self.before, self.now)]
        table = pd.concat(counts, axis=1).fillna(0).to_numpy("float64")
        statistic, p_value = stats.chi2_contingency(table, correction=False)[:2]
        apart["chi-square statistic, scipy's chi2_contingency"].append(
            _apart(ours.statistic, statistic)
        )
        apart["chi-square p-value, scipy's chi2_contingency"].append(_apart(ours.p_value, p_value))
        before, now = table.T
        if not before.all():
            return
        expected = before * now.sum() / before.sum()
        cells = (now - expected) ** 2 / expected
        weighted = float((cells * before / (before + now)).sum())
        apart["chi-square statistic, by Evidently's cells"].append(_apart(ours.statistic, weighted))
        one_sample = float(stats.chi2.sf(cells.sum(), len(cells) - 1))
        apart["chi-square p-value of Evidently, by our cells"].append(_apart(one_sample, theirs))


def _filled(drift: Drift) -> list[Any]:
    return [each for each in drift.bins if each.reference or each.current]


def _apart(ours: float, theirs: float) -> float:
    size = max(abs(ours), abs(theirs))
    return 0.0 if size < LEAST else abs(ours - theirs) / size


def main() -> int:
    """Compare each month, print the table, and return 1 beyond a tolerance."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
    from prepare_flights import OUTCOMES, all_flights

    frame = all_flights().drop(columns=[*OUTCOMES, "tailnum"])
    moments = frame.pop("scheduled_departure")
    frame = frame.assign(hour=moments.dt.hour, weekday=moments.dt.day_of_week)
    schema = Schema.infer(frame, name="Flight")
    kinds = {
        name: "category" if c.kind == "string" or name in ("hour", "weekday") else "number"
        for name, c in schema.columns.items()
    }
    months = moments.dt.month
    before = frame[months <= 3].sample(N_REFERENCE, random_state=0)
    apart: dict[str, list[float]] = defaultdict(list)
    for month in range(4, 13):
        say(f"Comparing: month {month}")
        for label, found in Month(before, frame[months == month], kinds).differences().items():
            apart[label] += found
    print("| figure | compared | largest difference | at most |\n|---|--:|--:|--:|")
    is_missed = False
    for label, most in TOLERANCES.items():
        found = apart[label]
        largest = max(found, default=float("nan"))
        is_missed |= not largest <= most
        print(f"| {label} | {len(found)} | {largest:.1e} | {most:.0e} |")
    print(f"\n{machine(['numpy', 'scipy', 'pandas'])}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
