"""Say what is not as it should be: what chance does not explain, and what is large enough."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import isnan, nan

from mlkit.core.errors import listed
from mlkit.monitoring.drift import holm
from mlkit.monitoring.findings import (
    KINDS,
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
from mlkit.training.judging.findings import figure
from mlkit.training.judging.metrics import METRICS
from mlkit.training.settings import LimitsConfig, MonitoringConfig

#: Broken rules that a finding names.
_MOST_BROKEN = 3


class _Limits:
    """From where on a size that chance does not explain is too large."""

    def __init__(self, settings: MonitoringConfig) -> None:
        self._settings = settings

    def rate(self, name: str, size: float, adjusted: float = 0.0) -> Severity:
        """Return the gravest severity whose limit of that name a size is beyond.

        `adjusted` is its p-value; NaN where there was no test.
        """
        if isnan(size) or isnan(adjusted) or adjusted >= self._settings.level:
            return "ok"
        limits: tuple[LimitsConfig, ...] = (self._settings.alarm, self._settings.warning)
        for severity, limit in zip(reversed(SEVERITIES), limits, strict=False):
            bound = getattr(limit, name)
            if bound is not None and size > bound:
                return severity
        return "ok"

    def psi(self, drift: Drift) -> Severity:
        """Rate how far a distribution has moved."""
        return self.rate("psi", drift.psi, drift.adjusted)

    def unseen(self, drift: Drift) -> Severity:
        """Rate how much of it is beyond all of the reference."""
        return self.rate("unseen", drift.unseen, drift.unseen_adjusted)

    def missing(self, drift: Drift) -> Severity:
        """Rate how much more or less is missing."""
        moved = abs(drift.missing - drift.missing_before)
        return self.rate("missing", moved, drift.missing_adjusted)


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
    limits = _Limits(settings)

    def drifted(found: Drift) -> Drift:
        severity = worst([limits.psi(found), limits.unseen(found)])
        return replace(found, severity=severity, missing_severity=limits.missing(found))

    def judged(found: Quality) -> Quality:
        is_judged = window.is_tested and found.metric == window.quality[0].metric
        if not is_judged or not found.expected:
            return found
        sign = METRICS[task][found.metric].sign
        size = abs(found.expected)
        loss, guessed = (
            sign * (found.expected - value) / size for value in (found.value, found.estimate)
        )
        return replace(
            found,
            severity=limits.rate("quality", loss, found.adjusted),
            # It has no interval, and of a slice's few rows chance alone moves it far.
            estimated_severity="ok" if found.slice else limits.rate("quality", guessed),
        )

    separation = window.separation
    if separation is not None:
        severity = limits.rate("auc", separation.auc, separation.adjusted)
        separation = replace(separation, severity=severity)
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
    return replace(window, findings=_in_order(_findings(window, limits)))


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
    return _in_order(found)


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the gravest first, and of as grave ones the causes before what they bring about."""

    def place(found: Finding) -> tuple[int, int]:
        return -SEVERITIES.index(found.severity), KINDS.index(found.kind)

    return tuple(sorted(findings, key=place))


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


def _findings(window: Window, limits: _Limits) -> Iterator[Finding]:
    def finding(kind: Kind, severity: Severity, what: str, text: str) -> Iterator[Finding]:
        if severity != "ok":
            yield Finding(kind=kind, severity=severity, window=window.name, what=what, text=text)

    share = window.n_violating / window.n_rows if window.n_rows else 0.0
    of_rows = limits.rate("violations", share)
    yield from finding(
        "violations",
        # Of few rows, one is a large share.
        of_rows if window.is_tested or of_rows == "ok" else "warning",
        "",
        f"{window.n_violating:,} of {window.n_rows:,} rows ({share:.2%}) break the schema: "
        f"{listed(window.violations, most=_MOST_BROKEN)}.",
    )
    for kind, drifts in (("drift", window.drifts), ("predictions", window.predictions)):
        for drift in drifts:
            reasons = []
            if limits.psi(drift) != "ok":
                reasons.append(f"PSI {drift.psi:.2f} (adjusted p {_p(drift.adjusted)})")
            if limits.unseen(drift) != "ok":
                reasons.append(
                    f"{drift.unseen:.1%} of the values are beyond all of the reference (adjusted "
                    f"p {_p(drift.unseen_adjusted)})"
                )
            yield from finding(
                kind,  # type: ignore[arg-type]  # one of the two
                drift.severity,
                drift.name,
                f"{drift.name} has moved: {', '.join(reasons)}.",
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
            limits.rate("latency_ms", window.latency[1]),
            "",
            f"One request of a hundred took {window.latency[1]:.1f} ms or more.",
        )
    yield from finding(
        "age",
        limits.rate("age_days", window.age_days),
        "",
        f"The newest row that the model was trained on is {window.age_days:.0f} days old.",
    )


def _p(adjusted: float) -> str:
    return "below 0.0001" if adjusted < 0.0001 else figure(adjusted)


def _size(value: float) -> float:
    return 0.0 if isnan(value) else value
