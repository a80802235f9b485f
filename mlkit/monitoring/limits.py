"""Say what is not as it should be: what chance does not explain, and what is large enough."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import isnan, nan

from mlkit.monitoring.drift import holm
from mlkit.monitoring.findings import (
    SEVERITIES,
    Drift,
    Finding,
    Kind,
    Quality,
    Separation,
    Severity,
    Window,
    newest_labelled,
    newest_tested,
    worst,
)
from mlkit.training.config import LimitsConfig, MonitoringConfig
from mlkit.training.judging.findings import figure
from mlkit.training.judging.metrics import METRICS


def rated(window: Window, task: str, settings: MonitoringConfig) -> Window:
    """Return a window with its p-values adjusted, everything in it rated, and its findings.

    Parameters
    ----------
    window
        What was computed of it.
    task
        The model's.
    settings
        With the limits.
    """
    window = _adjusted(window)

    def rate(name: str, size: float, *, is_chance: bool = False) -> Severity:
        """Return the gravest severity of which a size is beyond the limit."""
        if is_chance or isnan(size):
            return "ok"
        limits: tuple[LimitsConfig, ...] = (settings.alarm, settings.warning)
        for severity, limit in zip(reversed(SEVERITIES), limits, strict=False):
            bound = getattr(limit, name)
            if bound is not None and size > bound:
                return severity
        return "ok"

    def drifted(found: Drift) -> Drift:
        moved = abs(found.missing - found.missing_before)
        return replace(
            found,
            severity=worst(
                [
                    rate("psi", found.psi, is_chance=_chance(found.adjusted, settings.level)),
                    rate(
                        "unseen",
                        found.unseen,
                        is_chance=_chance(found.unseen_adjusted, settings.level),
                    ),
                ]
            ),
            missing_severity=rate(
                "missing", moved, is_chance=_chance(found.missing_adjusted, settings.level)
            ),
        )

    def judged(found: Quality) -> Quality:
        if found.metric != window.quality[0].metric or not found.expected:
            return found
        sign = METRICS[task][found.metric].sign
        size = abs(found.expected)
        loss, guessed = (
            sign * (found.expected - value) / size for value in (found.value, found.estimate)
        )
        return replace(
            found,
            severity=rate("quality", loss, is_chance=_chance(found.adjusted, settings.level)),
            # It has no interval, and of a slice's few rows chance alone moves it far.
            estimated_severity="ok" if found.slice else rate("quality", guessed),
        )

    separation = window.separation
    if separation is not None:
        is_chance = _chance(separation.adjusted, settings.level)
        separation = replace(separation, severity=rate("auc", separation.auc, is_chance=is_chance))
    drifts = sorted(
        map(drifted, window.drifts),
        key=lambda d: (-SEVERITIES.index(d.gravest), -_size(d.psi)),
    )
    window = replace(
        window,
        drifts=tuple(drifts),
        predictions=tuple(map(drifted, window.predictions)),
        separation=separation,
        quality=tuple(map(judged, window.quality)),
    )
    found = [*_findings(window, rate)]
    found.sort(key=lambda each: -SEVERITIES.index(each.severity))
    return replace(window, findings=tuple(found))


def current(windows: Sequence[Window]) -> tuple[Finding, ...]:
    """Return what counts now, the gravest first.

    Drift is that of the newest window that was tested, what a window's quality is that of the
    newest with answers enough, and all else that of the newest window.
    """
    last = windows[-1] if windows else None
    found = [
        *_of(newest_labelled(windows), "quality"),
        *_of(newest_tested(windows), "drift", "missing", "separation", "predictions", "estimate"),
        *_of(last, "violations", "latency", "age"),
    ]
    return tuple(sorted(found, key=lambda each: -SEVERITIES.index(each.severity)))


def _of(window: Window | None, *kinds: Kind) -> list[Finding]:
    return [each for each in window.findings if each.kind in kinds] if window else []


def _adjusted(window: Window) -> Window:
    every = [*window.drifts, *window.predictions]
    of_all = [window.separation.p_value] if window.separation else []
    of_each = [p for each in every for p in (each.p_value, each.missing_p, each.unseen_p)]
    adjusted = holm(of_each + of_all)
    triples = zip(*(adjusted[place : len(of_each) : 3] for place in range(3)), strict=True)
    told = [
        replace(each, adjusted=value, missing_adjusted=lost, unseen_adjusted=unseen)
        for each, (value, lost, unseen) in zip(every, triples, strict=True)
    ]
    n_drifts = len(window.drifts)
    separation: Separation | None = window.separation and replace(
        window.separation, adjusted=adjusted[-1]
    )
    # The first metric decides, of all rows and of each slice.
    is_judged = [each.metric == window.quality[0].metric for each in window.quality]
    of_quality = holm(
        [each.p_value if own else nan for each, own in zip(window.quality, is_judged, strict=True)]
    )
    return replace(
        window,
        drifts=tuple(told[:n_drifts]),
        predictions=tuple(told[n_drifts:]),
        separation=separation,
        quality=tuple(
            replace(each, adjusted=value)
            for each, value in zip(window.quality, of_quality, strict=True)
        ),
    )


def _findings(window: Window, rate: Callable[..., Severity]) -> Iterator[Finding]:
    def finding(kind: Kind, severity: Severity, what: str, text: str) -> Iterator[Finding]:
        if severity != "ok":
            yield Finding(kind=kind, severity=severity, window=window.name, what=what, text=text)

    share = window.n_violating / window.n_rows if window.n_rows else 0.0
    yield from finding(
        "violations",
        rate("violations", share),
        "",
        f"{window.n_violating:,} of {window.n_rows:,} rows ({share:.2%}) break the schema.",
    )
    for kind, drifts in (("drift", window.drifts), ("predictions", window.predictions)):
        for drift in drifts:
            yield from finding(
                kind,  # type: ignore[arg-type]  # one of the two
                drift.severity,
                drift.name,
                f"{drift.name} is distributed otherwise: PSI {drift.psi:.2f} (adjusted p "
                f"{_p(drift.adjusted)}), {drift.unseen:.1%} of the values unseen (adjusted p "
                f"{_p(drift.unseen_adjusted)}).",
            )
    # The hour and the weekday of a moment are missing in the same rows.
    for drift in {drift.column: drift for drift in window.drifts}.values():
        yield from finding(
            "missing",
            drift.missing_severity,
            drift.column,
            f"{drift.column} is missing in {drift.missing:.1%} of the rows, where it was in "
            f"{drift.missing_before:.1%}.",
        )
    if window.separation is not None:
        by = f", by {', '.join(window.separation.by)}" if window.separation.by else ""
        yield from finding(
            "separation",
            window.separation.severity,
            "",
            f"The rows as a whole are told from the reference with an AUC of "
            f"{window.separation.auc:.2f}{by}.",
        )
    for each in window.quality:
        name = f"{each.metric} of {each.slice}" if each.slice else each.metric
        yield from finding(
            "quality",
            each.severity,
            each.slice or each.metric,
            f"{name} is {figure(each.value)} ({figure(each.low)} to {figure(each.high)}), where "
            f"{figure(each.expected)} was expected.",
        )
        yield from finding(
            "estimate",
            each.estimated_severity,
            each.slice or each.metric,
            f"{name} is estimated at {figure(each.estimate)}, where {figure(each.expected)} was "
            "expected.",
        )
    if window.latency:
        yield from finding(
            "latency",
            rate("latency_ms", window.latency[1]),
            "",
            f"One request of a hundred took {window.latency[1]:.1f} ms or more.",
        )
    yield from finding(
        "age",
        rate("age_days", window.age_days),
        "",
        f"The newest row that the model was trained on is {window.age_days:.0f} days old.",
    )


def _p(adjusted: float) -> str:
    return "below 0.0001" if adjusted < 0.0001 else figure(adjusted)


def _chance(adjusted: float, level: float) -> bool:
    return isnan(adjusted) or adjusted >= level


def _size(value: float) -> float:
    return 0.0 if isnan(value) else value
