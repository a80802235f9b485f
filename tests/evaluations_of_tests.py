"""Evaluations that have every part, for each task, made from seeded draws."""

import numpy as np

from mlkit.core.column import Column
from mlkit.training.facts import Facts
from mlkit.training.judging.curves import curves
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import (
    Comparison,
    Contribution,
    Difference,
    Flattery,
    Leak,
    Score,
    SliceScores,
    Verdict,
)
from mlkit.training.judging.metrics import METRICS

TASKS = ("binary", "multiclass", "regression")
CLASSES = {"binary": ("late", "on time"), "multiclass": ("Adelie", "Chinstrap", "Gentoo", "Rock")}
HOSTILE = "<script>alert('x')</script>\"><img src=http://evil.example/x onerror=a>$x_{|`\n& 雪\x07"


def whole(task: str = "binary", *, name: str = "", gates: bool = True) -> Evaluation:
    """Return an evaluation with every part; `name` is then that of slices, features and classes."""
    rng = np.random.default_rng(0)
    codes, scores = _drawn(task, rng)
    classes = [f"{name}{label}" for label in CLASSES.get(task, ())]
    metrics = [metric for metric in METRICS[task] if METRICS[task][metric].is_default]
    found = {metric: METRICS[task][metric].of(codes, scores) for metric in metrics}
    first = metrics[0]

    def scored(shift: float = 0.0, spread: float = 0.01) -> tuple[Score, ...]:
        return tuple(
            Score(
                metric=metric,
                value=value + shift,
                low=value + shift - spread,
                high=value + shift + spread,
                baseline=0.5,
                simple=value - 0.02,
            )
            for metric, value in found.items()
        )

    parts = [
        SliceScores(
            name=f"{name}{column}={value}",
            column=column,
            n_rows=int(rng.integers(100, 900)),
            scores=scored(float(rng.normal(0, 0.03)), float(rng.uniform(0.01, 0.05))),
        )
        for column, values in (
            ("origin", ("EWR", "JFK", "LGA")),
            ("carrier", ("AA", "B6", "DL", "EV", "MQ", "UA", "US", "WN")),
        )
        for value in values
    ]
    features = ("departure_hour", "temp", "carrier", "precip", "distance", "wind_speed", "dest")
    return Evaluation(
        scores=scored(),
        slices=tuple(parts),
        worst=tuple(
            SliceScores(name=f"{name}{text}", column="", n_rows=240, scores=scored(-0.08, 0.03))
            for text in ("temp ≤ 3.5 and carrier in {EV, MQ}", "departure_hour > 20.5")
        ),
        gates=_gates(first, found[first], failed=gates),
        contributions=tuple(
            Contribution(
                feature=f"{name}{feature}",
                metric=first,
                loss=0.08 / (1 + place) - 0.012,
                low=0.08 / (1 + place) - 0.018,
                high=0.08 / (1 + place) - 0.006,
            )
            for place, feature in enumerate(features)
        ),
        comparison=Comparison(
            champion=f"{name}flight-delay/1f3a90bb2c41",
            differences=tuple(
                Difference(
                    metric=metric,
                    slice=part,
                    n_rows=640,
                    value=value,
                    champion=value - 0.01,
                    gain=0.01,
                    low=-0.002,
                    high=0.022,
                )
                for metric, value in found.items()
                for part in ("", f"{name}origin=EWR", "origin=JFK", "origin=LGA")
            ),
        ),
        curves=curves(task, classes, codes, scores),
        leaks=(
            Leak(
                kind="single",
                columns=(f"{name}dep_delay",),
                figure=0.98,
                message=f"{name}dep_delay alone is almost as good as the model.",
            ),
        ),
        flattery=Flattery(metric=first, at_random=0.8, as_split=0.72, n_rows=4_000),
        drawn="days of scheduled_departure",
        level=0.95,
        n_rows=len(codes),
        n_unlabelled=441,
        n_seen=0,
        holdout="scheduled_departure from 2013-10-20 on",
    )


def facts(text: str = "") -> Facts:
    """Return what is known of a model, with `text` wherever people or data say something."""
    return Facts(
        name=text or "flight-delay",
        description=text or "How likely a flight is to arrive half an hour late.",
        predicts=text or "binary model of arr_delay, cut at 30, by HistGradientBoostingClassifier",
        runs=text or "Runs as one compiled function.",
        columns=(
            Column(name="carrier", kind="string", description=text or "Airline, IATA code"),
            Column(name="distance", kind="number", ge=0, unit=text or "mi", description="Way"),
            Column(name="temp", kind="number", nullable=True, unit="°F", description="At origin"),
        ),
        parts=(
            ("featurizer", text or "FlightFeaturizer"),
            ("encoder", "TableEncoder"),
            ("selector", "SelectKBest, which kept 12 of 31 encoded columns"),
            ("estimator", "HistGradientBoostingClassifier"),
        ),
        lineage=(
            ("commit", text or "83a5e7294ecf0d0b3a7fd2a5ed4d3a4b3b6f1c0a"),
            ("seed", "0"),
            ("fingerprint of the data", "9f" * 32),
        ),
    )


def _gates(metric: str, value: float, *, failed: bool) -> tuple[Verdict, ...]:
    above = Verdict(what=metric, figure=value, bound=value - 0.02, is_floor=True)
    latency = Verdict(what="latency in ms, p99", figure=4.2, bound=2.0, is_floor=False)
    size = Verdict(what="bundle size in MB", figure=1.3, bound=50.0, is_floor=False)
    return (above, size, latency) if failed else (above, size)


def _drawn(task: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    if task == "binary":
        scores = rng.beta(1.2, 3, 4_000)
        return (rng.random(4_000) < scores).astype("int64"), scores
    if task == "multiclass":
        scores = rng.dirichlet([0.5, 0.35, 0.4, 0.1], 3_000)
        return np.array([rng.choice(4, p=row) for row in scores]), scores
    scores = rng.gamma(3, 8, 3_000)
    return scores + rng.normal(0, 3 + scores / 6), scores
