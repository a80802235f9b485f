"""Count how often monitoring cries wolf, and what it takes to wake it.

Windows that are drawn from where the reference is have nothing to tell: of these, no more than
the level may look like drift. Then one column of such windows is changed. Prints tables in
Markdown; exits with 1 if there are more false alarms than chance explains.

    python benchmarks/false_alarms.py --windows 1000
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from reporting import machine, say

from mlkit import Schema
from mlkit.monitoring.drift import Numbers
from mlkit.monitoring.findings import Drift, Window
from mlkit.monitoring.limits import rated
from mlkit.monitoring.separation import MOST_ROWS, separate
from mlkit.monitoring.views import matrix, views
from mlkit.training.frames import plain_columns
from mlkit.training.settings import MonitoringConfig

N_REFERENCE = 10_000
SIZES = (500, 2_000, 20_000)
LEVELS = (0.05, 0.01)
FAMILIES = ("columns", "missing", "unseen", "predictions", "separation")
TOGETHER = ("any", "finding")
Columns = Mapping[str, np.ndarray]


class Source(NamedTuple):
    """Where rows are drawn from."""

    schema: type[Schema]
    #: Returns the columns of the reference and of a window, which share no rows.
    draw: Callable[[np.random.Generator, int], tuple[Columns, Columns]]
    #: The score of each row.
    score: Callable[[Columns], np.ndarray]


def mixed() -> Source:
    """Return numbers, ties, rare values and gaps, independent of each other."""

    def rows(rng: np.random.Generator, n_rows: int) -> dict[str, np.ndarray]:
        normal = rng.normal(size=(n_rows, 3))
        rare = (300 * rng.random(n_rows) ** 4).astype("int64").astype(str).astype(object)
        kinds = np.array(["a", "b", "c", "d", "e"], dtype=object)
        found = {
            "number": normal[:, 0],
            "skewed": np.exp(normal[:, 1]),
            "gappy": _with_gaps(rng, normal[:, 2], 0.05),
            "lost": _with_gaps(rng, rng.random(n_rows), 0.5),
            "ties": rng.poisson(30, n_rows).astype("float64"),
            "zeros": np.where(rng.random(n_rows) < 0.7, 0.0, rng.gamma(2.0, size=n_rows)),
            "kind": rng.choice(kinds, n_rows, p=[0.4, 0.25, 0.2, 0.1, 0.05]),
            "rare": rare,
            "flag": rng.random(n_rows) < 0.02,
        }
        found["rare"][rng.random(n_rows) < 0.02] = None
        return found

    def draw(rng: np.random.Generator, n_rows: int) -> tuple[Columns, Columns]:
        return rows(rng, N_REFERENCE), rows(rng, n_rows)

    frame = pd.DataFrame(rows(np.random.default_rng(0), 2_000))
    return Source(
        Schema.infer(frame, name="Mixed"),
        draw,
        lambda found: 1 / (1 + np.exp(-found["number"] - 0.5 * (found["kind"] == "a"))),
    )


def flights() -> Source:
    """Return the flights before October: rows of which many hang together."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
    from prepare_flights import OUTCOMES, all_flights

    frame = all_flights().drop(columns=[*OUTCOMES, "tailnum"])
    frame = frame[frame["scheduled_departure"] < "2013-10-01"]
    schema = Schema.infer(frame, name="Flight")
    checked = schema.validate(frame)
    every: dict[str, np.ndarray] = {}
    for column in plain_columns(schema):
        values = checked[column.name]
        every[column.name] = (
            values.astype(object).where(values.notna(), None).to_numpy()
            if column.kind == "string"
            else values.to_numpy()
        )

    def draw(rng: np.random.Generator, n_rows: int) -> tuple[Columns, Columns]:
        places = rng.choice(len(frame), N_REFERENCE + n_rows, replace=False)
        parts = places[:N_REFERENCE], places[N_REFERENCE:]
        before, now = ({name: v[part] for name, v in every.items()} for part in parts)
        return before, now

    def score(found: Columns) -> np.ndarray:
        hour = found["scheduled_departure"].astype("datetime64[h]").astype("int64") % 24
        humid = np.nan_to_num(found["humid"], nan=60.0)
        return 1 / (1 + np.exp(3 - hour / 8 - humid / 60))

    return Source(schema, draw, score)


def window(
    source: Source, before: Columns, now: Columns, level: float, *, separated: bool = True
) -> Window:
    """Return what is found of rows beside the reference, before it is rated."""
    chosen = views(source.schema, before, "month")
    apart = None
    if separated:
        rows, are_categories = matrix(chosen, before)
        sample = {name: values[:MOST_ROWS] for name, values in now.items()}
        names = [view.name for view in chosen]
        current = matrix(chosen, sample)[0]
        apart = separate(rows, current, names, are_categories, level=level)
    return Window(
        name="w",
        start="",
        end="",
        n_rows=len(next(iter(now.values()))),
        is_tested=True,
        drifts=tuple(view.reference.compare(view.of(now[view.column])) for view in chosen),
        predictions=(Numbers("probability", "", source.score(before)).compare(source.score(now)),),
        separation=apart,
    )


def null(source: Source, size: int, n_windows: int, seed: int) -> dict[tuple[float, str], float]:
    """Return the share of windows in which chance looks like drift, by level and family."""
    told: dict[tuple[float, str], int] = dict.fromkeys(
        ((level, name) for level in LEVELS for name in (*FAMILIES, *TOGETHER)), 0
    )
    for place in range(n_windows):
        rng = np.random.default_rng((seed, size, place))
        found = window(source, *source.draw(rng, size), 0.0)
        for level in LEVELS:
            of = rated(found, "binary", MonitoringConfig(level=level))
            assert of.separation is not None
            least = {
                "columns": _least(d.adjusted for d in of.drifts),
                "missing": _least(d.missing_adjusted for d in of.drifts),
                "unseen": _least(d.unseen_adjusted for d in (*of.drifts, *of.predictions)),
                "predictions": _least(d.adjusted for d in of.predictions),
                "separation": of.separation.adjusted,
            }
            for name, p_value in least.items():
                told[level, name] += p_value < level
            told[level, "any"] += min(least.values()) < level
            told[level, "finding"] += bool(of.findings)
    return {key: count / n_windows for key, count in told.items()}


def bound(level: float, n_windows: int) -> float:
    """Return the largest share that chance explains: the level, and two standard errors."""
    return level + 2 * float(np.sqrt(level * (1 - level) / n_windows))


def power(
    source: Source, name: str, change: Callable[..., np.ndarray], size: int, n_windows: int
) -> tuple[float, float]:
    """Return the shares of windows in which a changed column is significant, and is told."""
    seen = told = 0
    settings = MonitoringConfig()
    for place in range(n_windows):
        rng = np.random.default_rng((1, size, place))
        before, now = source.draw(rng, size)
        changed = {**now, name: change(rng, now[name])}
        found = window(source, before, changed, 0.0, separated=False)
        of = rated(found, "binary", settings)
        seen += any(_is_seen(d, settings.level) for d in of.drifts if d.column == name)
        told += any(each.what == name for each in of.findings)
    return seen / n_windows, told / n_windows


def changes() -> list[tuple[str, str, str, Callable[..., np.ndarray]]]:
    """Return each change: its name, the source, the column, and what makes it."""
    mean = [
        (f"mean of a normal column +{by} sd", "mixed", "number", _shifted(by))
        for by in (0.1, 0.2, 0.5)
    ]
    variance = [
        (f"variance of it ×{by}", "mixed", "number", _scaled(by**0.5))  # noqa: RUF001
        for by in (1.1, 1.25, 1.5)
    ]
    mix = [
        (f"{by:.0%} of the rows from one category to another", "mixed", "kind", _moved(by))
        for by in (0.02, 0.05, 0.1)
    ]
    lost = [
        (f"missing, 5 % before: +{by:.0%} of the rows", "mixed", "gappy", _lost(by))
        for by in (0.01, 0.05, 0.2)
    ]
    units = [
        ("distance in km for miles", "flights", "distance", _scaled(1.609344)),
        ("temperature in °C for °F", "flights", "temp", lambda _, v: (v - 32) / 1.8),
    ]
    coded = [
        (f"-999 in {by:.0%} of the rows", "mixed", "number", _coded(by)) for by in (0.01, 0.05)
    ]
    return [*mean, *variance, *mix, *lost, *coded, *units]


def _with_gaps(rng: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def _least(p_values: object) -> float:
    return float(np.nanmin([*p_values, 1.0]))  # type: ignore[misc]


def _is_seen(drift: Drift, level: float) -> bool:
    return _least([drift.adjusted, drift.missing_adjusted, drift.unseen_adjusted]) < level


def _shifted(by: float) -> Callable[..., np.ndarray]:
    return lambda _, values: values + by


def _scaled(by: float) -> Callable[..., np.ndarray]:
    return lambda _, values: values * by


def _moved(by: float) -> Callable[..., np.ndarray]:
    # The first category has 40 % of the rows.
    return lambda rng, values: np.where(
        (values == "a") & (rng.random(len(values)) < by / 0.4), "d", values
    )


def _lost(by: float) -> Callable[..., np.ndarray]:
    return lambda rng, values: _with_gaps(rng, values, by / 0.95)


def _coded(by: float) -> Callable[..., np.ndarray]:
    return lambda rng, values: np.where(rng.random(len(values)) < by, -999.0, values)


def main() -> int:
    """Print both tables, and return 1 if there are too many false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=1_000, help="without drift, of each size")
    parser.add_argument("--drifted", type=int, default=200, help="with drift, of each size")
    arguments = parser.parse_args()
    start = perf_counter()
    sources = {"mixed": mixed(), "flights": flights()}
    is_missed = False
    if arguments.windows:
        print("| rows | window | level | at most |", *(f"{n} |" for n in (*FAMILIES, *TOGETHER)))
        print("|---|--:|--:|--:|" + "--:|" * len((*FAMILIES, *TOGETHER)), flush=True)
        for label, source in sources.items():
            for size in SIZES:
                say(f"Null windows: {label}, {size:,} rows")
                found = null(source, size, arguments.windows, 0)
                for level in LEVELS:
                    most = bound(level, arguments.windows)
                    names = (*FAMILIES, *TOGETHER)
                    shares = [found[level, name] for name in names]
                    is_missed |= found[level, "any"] > most
                    cells = " | ".join(f"{share:.2%}" for share in shares)
                    row = f"| {label} | {size:,} | {level:.0%} | {most:.2%} | {cells} |"
                    print(row, flush=True)
    if arguments.drifted:
        sizes = " | ".join(f"{size:,} rows" for size in SIZES)
        print(f"\n| change | {sizes} |\n|---|" + "--:|" * len(SIZES))
        for label, where, name, change in changes():
            say(f"Drifted windows: {label}")
            each = [power(sources[where], name, change, s, arguments.drifted) for s in SIZES]
            cells = " | ".join(f"{seen:.0%} / {told:.0%}" for seen, told in each)
            print(f"| {label} | {cells} |", flush=True)
    print(f"\n{arguments.windows:,} windows without drift, {arguments.drifted:,} with it.")
    print(f"{perf_counter() - start:,.0f} s; {machine(['numpy', 'scipy', 'scikit-learn'])}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
