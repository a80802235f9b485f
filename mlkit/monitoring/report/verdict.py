"""Say in one sentence how a model in use is."""

from collections.abc import Sequence
from itertools import groupby
from math import isnan

from mlkit.core.errors import listed
from mlkit.monitoring.findings import (
    Finding,
    Kind,
    Monitoring,
    Window,
    newest_labelled,
    newest_tested,
)
from mlkit.monitoring.report.picking import quality_of
from mlkit.training.judging.findings import NONE, figure

#: What a model does of which the gravest finding is of some kind.
_STATES: dict[Kind, str] = {
    "violations": "gets rows that break its schema",
    "missing": "is drifting",
    "drift": "is drifting",
    "separation": "is drifting",
    "predictions": "is drifting",
    "quality": "has lost quality",
    "estimate": "may have lost quality",
    "latency": "is slow",
    "age": "is old",
}
_MOST_KINDS = 3
#: Share of unseen values that is told beside the index.
_LEAST_UNSEEN = 0.01


def verdict(found: Monitoring) -> str:
    """Return how a model is and what matters most, in a sentence on one line.

    The gravest finding comes first, with others of its kind.
    """
    name = " ".join(served_name(found).split())
    if not found.findings:
        return f"{name} {_calm(found)}."
    kinds = [
        (kind, list(group)) for kind, group in groupby(_sorted(found.findings), lambda f: f.kind)
    ]
    clauses = []
    said = ""
    for _, findings in kinds[:_MOST_KINDS]:
        clause = _clause(found, findings)
        when = findings[0].window
        clauses.append(clause if when in (said, "all") else f"{clause} in {when}")
        said = when
    if rest := sum(len(findings) for _, findings in kinds[_MOST_KINDS:]):
        clauses.append(f"and {rest} more findings" if rest > 1 else "and one more finding")
    text = f"{name} {_STATES[kinds[0][0]]} ({found.severity}): {'; '.join(clauses)}."
    return " ".join(text.split())


def served_name(found: Monitoring) -> str:
    """Return the model's name without its digest."""
    name, _, digest = found.model.rpartition("/")
    return name or digest


def short_figure(value: float) -> str:
    """Return a figure as a sentence says it: three digits that count, a dash for NaN.

    Examples
    --------
    >>> short_figure(0.31234), short_figure(0.5), short_figure(1234.5), short_figure(float("nan"))
    ('0.312', '0.5', '1,234.5', '–')
    """
    if isnan(value):
        return NONE
    return f"{value:.3g}" if abs(value) < 1000 else figure(float(value))


def share(value: float) -> str:
    """Return a share in percent, a dash for NaN.

    Examples
    --------
    >>> share(0.5), share(0.0123), share(0.0001), share(0.0), share(float("nan"))
    ('50%', '1.2%', '<0.1%', '0%', '–')
    """
    if isnan(value):
        return NONE
    if 0 < value < 0.001:
        return "<0.1%"
    return f"{value:.1%}".replace(".0%", "%")


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings with those of a kind side by side, the kinds as they first come."""
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    return sorted(findings, key=lambda finding: kinds.index(finding.kind))


def _calm(found: Monitoring) -> str:
    window = newest_tested(found.windows)
    if window is None:
        if not found.windows:
            return "cannot be judged: there are no rows"
        n_rows = max(window.n_rows for window in found.windows)
        return (
            "cannot be judged yet: no window has monitoring.least_rows, the largest has "
            f"{n_rows:,} rows"
        )
    when = "" if window.name == "all" else f" in {window.name}"
    text = f"is as it was ({found.severity}): nothing drifts{when}"
    judged = newest_labelled(found.windows) or window
    quality = quality_of(judged, found.metric)
    if quality is None or (isnan(quality.value) and isnan(quality.estimate)):
        return f"{text}; what it is worth is not known, for no answers have come"
    known = not isnan(quality.value)
    value = short_figure(quality.value if known else quality.estimate)
    text += f"; {found.metric} is {'' if known else 'estimated at '}{value}"
    if not isnan(quality.expected):
        text += f", {short_figure(quality.expected)} was expected"
    return text if judged is window else f"{text}, in {judged.name}"


def _clause(found: Monitoring, findings: Sequence[Finding]) -> str:
    """Return what findings of one kind say, without the full stop: the figures of the first."""
    first = findings[0]
    window = next((each for each in found.windows if each.name == first.window), None)
    # The finding's own words stand for what no window tells.
    text = (window and _figures(window, first)) or first.text.rstrip(". ")
    others = len(dict.fromkeys(each.what for each in findings)) - 1
    noun = "column" if first.kind in ("drift", "missing") else "thing"
    return f"{text} and {others} more {noun}{'s' * (others > 1)}" if others else text


def _figures(window: Window, finding: Finding) -> str:
    match finding.kind:
        case "drift" | "predictions":
            drifts = window.drifts if finding.kind == "drift" else window.predictions
            for drift in drifts:
                if finding.what in (drift.name, drift.column):
                    what = drift.name if finding.kind == "drift" else "what is predicted"
                    size = f"PSI {NONE if isnan(drift.psi) else f'{drift.psi:.2f}'}"
                    unseen = (
                        f", {share(drift.unseen)} unseen" if drift.unseen >= _LEAST_UNSEEN else ""
                    )
                    return f"{what} ({size}{unseen})"
        case "missing":
            for drift in window.drifts:
                if finding.what in (drift.name, drift.column):
                    before, now = share(drift.missing_before), share(drift.missing)
                    return f"{drift.column} (missing in {now} of the rows, {before} before)"
        case "separation" if window.separation is not None:
            auc, by = window.separation.auc, listed(window.separation.by, most=2)
            return f"its rows are told from the reference's with AUC {short_figure(auc)}, by {by}"
        case "violations" if window.n_violating:
            rules = listed(window.violations, most=1)
            return f"{window.n_violating:,} of {window.n_rows:,} rows break the schema ({rules})"
        case "latency" if len(window.latency) > 1:
            return f"one request in 100 takes more than {short_figure(window.latency[1])} ms"
        case "age" if not isnan(window.age_days):
            days = f"{window.age_days:,.0f}"
            return f"the newest row that it was trained on is {days} days old"
        case "quality" | "estimate":
            return _of_quality(window, finding)
    return ""


def _of_quality(window: Window, finding: Finding) -> str:
    for each in window.quality:
        if finding.what not in (each.metric if not each.slice else each.slice, ""):
            continue
        value = each.value if finding.kind == "quality" else each.estimate
        name = f"{each.metric} of {each.slice}" if each.slice else each.metric
        if isnan(value) or isnan(each.expected):
            return ""
        verb = "fell" if value < each.expected else "rose"
        if finding.kind == "estimate":
            verb = f"is estimated to have {'fallen' if value < each.expected else 'risen'}"
        return f"{name} {verb} to {short_figure(value)} from {short_figure(each.expected)}"
    return ""
