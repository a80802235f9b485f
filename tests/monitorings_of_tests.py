"""What was found of a model in use, made from seeded draws: whole, empty, hostile, or large."""

from math import nan

import numpy as np

from mlkit.monitoring.findings import (
    Bin,
    Drift,
    Finding,
    Monitoring,
    Quality,
    Separation,
    Severity,
    Window,
)

FEATURES = ("dep_hour", "temp", "carrier", "precip", "distance", "wind_speed", "dest", "origin")
METRICS = ("roc_auc", "log_loss")


def whole(
    *, name: str = "", n_windows: int = 6, n_features: int = 8, labels: bool = True
) -> Monitoring:
    """Return a model that drifts more and more; `name` begins whatever people or data name."""
    rng = np.random.default_rng(0)
    labelled = n_windows - 1 if labels else 0
    windows = tuple(
        window(
            place, rng, name=name, n_features=n_features, shift=(place + 1) / n_windows,
            known=place < labelled,
        )
        for place in range(n_windows)
    )  # fmt: skip
    last = windows[-1]
    findings = [found for found in last.findings if found.kind != "quality"]
    if labelled:
        findings += [found for found in windows[labelled - 1].findings if found.kind == "quality"]
    return Monitoring(
        model=f"{name}flight-delay/1f3a90bb2c41",
        source=f"{name}The prediction log in predictions: {n_windows} months.",
        level=0.01,
        metric="roc_auc",
        windows=windows,
        findings=tuple(sorted(findings, key=lambda found: found.severity)),
        estimate_error={"roc_auc": 0.0123} if labels else {},
    )


def window(
    place: int,
    rng: np.random.Generator,
    *,
    name: str = "",
    n_features: int = 8,
    shift: float = 1.0,
    known: bool = True,
) -> Window:
    """Return one month in which every part is known."""
    year, month = 2013 + place // 12, place % 12
    when = f"{year}-{month + 1:02}"
    features = [FEATURES[n] if n < len(FEATURES) else f"feature_{n:03}" for n in range(n_features)]
    drifts = tuple(
        drift(f"{name}{feature}", rng, shift=shift / (1 + n / 2), label=name)
        for n, feature in enumerate(features)
    )
    return Window(
        name=when,
        start=f"{when}-01T00:00:00Z",
        end=f"{year + (month + 1) // 12}-{(month + 1) % 12 + 1:02}-01T00:00:00Z",
        n_rows=2_400 + 10 * place,
        is_tested=True,
        n_violating=3 * place,
        violations=(f"{name}carrier is missing in {3 * place} rows",) if place else (),
        drifts=drifts,
        predictions=(drift(f"{name}probability", rng, shift=shift / 2, column=""),),
        separation=Separation(
            auc=0.5 + 0.3 * shift, p_value=0.001, adjusted=0.01, n_rows=1_200,
            by=tuple(f"{name}{feature}" for feature in features[:2]), severity="warning",
        ),
        quality=tuple(qualities(name, shift, known=known)),
        latency=(4.2 + shift, 21.5 + 9 * shift),
        age_days=61.0 + 30 * place,
        findings=tuple(findings(name, when, drifts, known=known)),
    )  # fmt: skip


def drift(
    name: str,
    rng: np.random.Generator,
    *,
    shift: float,
    label: str = "",
    column: str | None = None,
) -> Drift:
    """Return how ten intervals have moved."""
    now = np.linspace(1, 1 + 9 * shift, 10) * rng.uniform(0.95, 1.05, 10)
    now /= now.sum()
    before = np.full(10, 0.1)
    psi = float(((now - before) * np.log(now / before)).sum())
    return Drift(
        name=name,
        column=name if column is None else column,
        test="ks",
        statistic=shift / 4,
        p_value=0.0001 / shift**4,
        adjusted=min(0.001 / shift**4, 1.0),
        psi=psi,
        missing=0.02 + shift / 10,
        missing_before=0.02,
        missing_p=0.001,
        missing_adjusted=0.01,
        unseen=shift / 100,
        n_rows=2_300,
        bins=tuple(
            Bin(label=f"{label}{2 * n} to {2 * n + 2}", reference=0.1, current=float(share))
            for n, share in enumerate(now)
        ),
        severity=graded(psi),
        missing_severity="warning" if shift > 0.5 else "ok",
    )


def graded(psi: float) -> Severity:
    """Return how grave a PSI is."""
    return "alarm" if psi > 0.25 else "warning" if psi > 0.1 else "ok"


def qualities(name: str, shift: float, *, known: bool) -> list[Quality]:
    """Return two metrics on all rows, and the first on three slices."""
    found = []
    for metric, part, expected in (
        ("roc_auc", "", 0.74),
        ("log_loss", "", 0.41),
        *(("roc_auc", f"{name}origin={origin}", 0.73) for origin in ("EWR", "JFK", "LGA")),
    ):
        sign = 1 if metric == "log_loss" else -1
        value = expected + sign * 0.06 * shift
        found.append(
            Quality(
                metric=metric,
                slice=part,
                value=value if known else nan,
                low=value - 0.02 if known else nan,
                high=value + 0.02 if known else nan,
                estimate=expected + sign * 0.05 * shift,
                expected=expected,
                n_rows=800 if part else 2_400,
                n_labelled=(700 if part else 2_100) if known else 0,
                severity="warning" if known and shift > 0.5 else "ok",
                estimated_severity="warning" if shift > 0.7 else "ok",
            )
        )
    return found


def findings(name: str, when: str, drifts: tuple[Drift, ...], *, known: bool) -> list[Finding]:
    """Return findings on drift, and one on quality."""
    found = [
        Finding(
            kind="drift",
            severity=each.severity,
            window=when,
            what=each.name,
            text=f"{each.name} has drifted: PSI {each.psi:.2f}.",
        )
        for each in drifts
        if each.severity != "ok"
    ]
    if known:
        text = f"{name}roc_auc is below what was expected."
        found.append(
            Finding(kind="quality", severity="warning", window=when, what="roc_auc", text=text)
        )
    return found


def bare(**kept: object) -> Monitoring:
    """Return a model of which nothing is known but what is given."""
    given = {
        "model": "flight-delay/1f3a90bb2c41",
        "source": "An empty log.",
        "level": 0.01,
        "metric": "roc_auc",
        "windows": (),
        "estimate_error": {},
    }
    return Monitoring(**{**given, **kept})


def unknown() -> Monitoring:
    """Return one tested window in which every figure is NaN."""
    lost = Drift(
        name="dep_hour", column="dep_hour", test="ks", statistic=nan, p_value=nan, psi=nan,
        missing=nan, missing_before=nan, unseen=nan, n_rows=0,
        bins=(Bin(label="0 to 1", reference=nan, current=nan),),
    )  # fmt: skip
    score = Drift(
        name="probability", column="", test="ks", statistic=nan, p_value=nan, psi=nan,
        missing=nan, missing_before=nan, unseen=nan, n_rows=0, bins=(),
    )  # fmt: skip
    quality = Quality(
        metric="roc_auc", slice="", value=nan, low=nan, high=nan, estimate=nan, expected=nan,
        n_rows=0, n_labelled=0,
    )  # fmt: skip
    window = Window(
        name="all", start="", end="", n_rows=0, is_tested=True, drifts=(lost,),
        predictions=(score,), separation=Separation(auc=nan, p_value=nan, n_rows=0),
        quality=(quality,), latency=(nan, nan),
    )  # fmt: skip
    return bare(windows=(window,), estimate_error={"roc_auc": nan})
