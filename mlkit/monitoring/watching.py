"""Watch a model: cut what it was asked into windows, and hold each against what it learned from."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from math import isnan, nan
from pathlib import Path

import numpy as np
from joblib import cpu_count

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, nearest
from mlkit.core.log import get_logger, stage
from mlkit.core.trust import trusted_packages
from mlkit.monitoring.estimation import MOST_ROWS, Estimator, Lessons
from mlkit.monitoring.findings import Drift, Monitoring, Separation, Window
from mlkit.monitoring.limits import current, rated
from mlkit.monitoring.looking import Look, look
from mlkit.monitoring.observed import Observed, observe_log, observe_table
from mlkit.monitoring.quality import Expected, Rows, judge
from mlkit.monitoring.reference import Reference, read_reference
from mlkit.monitoring.separation import separate
from mlkit.monitoring.windows import Span, cut
from mlkit.scoring.prediction import Predictor
from mlkit.training.judging.metrics import METRICS
from mlkit.training.report.page import read_evaluation
from mlkit.training.settings import MonitoringConfig

log = get_logger(__name__)

#: Metrics of the evaluation that are watched unless others are named.
_N_METRICS = 3
#: Broken rules that a window tells.
_MOST_TOLD = 10
#: Share of a window's rows whose answers must be known to hold an estimate against them.
_LEAST_KNOWN = 0.5
_SECONDS_A_DAY = 86_400


def watch_log(
    bundle: Bundle,
    folder: Path,
    settings: MonitoringConfig,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Monitoring:
    """Watch a model by a prediction log.

    Parameters
    ----------
    bundle
        The model's.
    folder
        The log.
    settings
        What is watched.
    since, until
        The first moment, and the one after the last.

    Raises
    ------
    DataError
        If there is no log, or nothing in it of that name and time.
    ConfigError
        If a setting does not fit the model.
    """
    columns = bundle.schema.columns.values()
    # Receipts have no personal data: a model that needs some says nothing of them.
    needs_hidden = any(column.pii and not column.nullable for column in columns)
    predictor = None if needs_hidden else _predictor(bundle)
    with stage(log, "reading", path=str(folder)):
        observed = observe_log(
            bundle, predictor, folder, time=settings.time, since=since, until=until
        )
    return watch(observed, settings)


def watch_table(
    bundle: Bundle,
    path: Path,
    settings: MonitoringConfig,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Monitoring:
    """Watch a model by a table of records; see `watch_log`."""
    with stage(log, "reading", path=str(path)):
        observed = observe_table(
            _predictor(bundle), path, time=settings.time, since=since, until=until
        )
    return watch(observed, settings)


def watch(observed: Observed, settings: MonitoringConfig) -> Monitoring:
    """Return what was found of what a model was asked; see `watch_log`."""
    bundle = observed.bundle
    task = bundle.manifest.task
    evaluation = read_evaluation(bundle)
    metrics = settings.metrics or [score.metric for score in evaluation.scores[:_N_METRICS]]
    for name in metrics:
        if name not in METRICS[task]:
            raise ConfigError(f"monitoring.metrics names {name}. {nearest(name, METRICS[task])}")
    order, spans = cut(observed.times, len(observed), settings.window, observed.between)
    with stage(log, "watching", n_windows=len(spans), n_rows=len(observed)):
        reference = read_reference(bundle, Expected.of(evaluation, metrics), settings.window)
        looks = look(observed, reference, order, spans, least_rows=settings.least_rows)
        with ThreadPoolExecutor(cpu_count()) as threads:
            apart = threads.map(lambda seen: _separation(reference, seen, settings.level), looks)
        windows = []
        newest = reference.lessons[:0]
        for span, each, separation in zip(spans, looks, apart, strict=True):
            rows = _rows(observed, reference, order, span, each)
            # What is learned of a window's errors, only later ones are estimated by.
            lessons = reference.lessons + newest
            window = _window(observed, reference, span, each, rows, lessons, settings)
            window = replace(window, separation=separation)
            windows.append(rated(window, task, settings))
            if window.is_tested:
                newest = (newest + rows.lessons())[-MOST_ROWS:]
    return Monitoring(
        model=bundle.model,
        source=observed.source,
        level=settings.level,
        metric=metrics[0],
        windows=tuple(windows),
        findings=current(windows),
        estimate_error=_estimate_error(windows, metrics),
    )


def _predictor(bundle: Bundle) -> Predictor:
    return Predictor.load(bundle.path, trusted=trusted_packages())


def _rows(
    observed: Observed, reference: Reference, order: np.ndarray | None, span: Span, seen: Look
) -> Rows:
    places = span.rows if order is None else order[span.rows]
    times = observed.times
    n_kept = len(seen.kept)
    return Rows(
        scores=observed.scores[places],
        codes=observed.codes[places],
        kept=seen.kept,
        features=np.column_stack(seen.features) if seen.features else np.empty((n_kept, 0)),
        days=None if times is None else times[places].astype("datetime64[D]"),
        parts=reference.expected.parts(seen.slices),
        ms=observed.ms[places] if len(observed.ms) else observed.ms,
    )


def _window(
    observed: Observed,
    reference: Reference,
    span: Span,
    seen: Look,
    rows: Rows,
    lessons: Lessons,
    settings: MonitoringConfig,
) -> Window:
    manifest = observed.bundle.manifest
    n_rows = len(seen.is_broken)
    is_tested = n_rows >= settings.least_rows
    estimator = None
    if is_tested:
        estimator = Estimator(manifest.task, lessons, reference.are_categories)
    return Window(
        name=span.name,
        start=span.start,
        end=span.end,
        n_rows=n_rows,
        is_tested=is_tested,
        n_violating=int(seen.is_broken.sum()),
        violations=tuple(seen.violations[:_MOST_TOLD]),
        drifts=tuple(seen.drifts),
        predictions=_predictions(reference, rows.scores) if is_tested else (),
        quality=judge(manifest.task, manifest.threshold, reference.expected, estimator, rows),
        latency=_latency(rows.ms),
        age_days=_age(observed.bundle, span),
    )


def _predictions(reference: Reference, scores: np.ndarray) -> tuple[Drift, ...]:
    by_class = scores.reshape(len(scores), -1)
    is_scored = ~np.isnan(by_class).any(axis=1)
    return tuple(
        numbers.compare(column)
        for numbers, column in zip(reference.scores, by_class[is_scored].T, strict=True)
    )


def _separation(reference: Reference, seen: Look, level: float) -> Separation | None:
    # Of one column, its own test says all.
    if len(seen.sample) < 2:
        return None
    return separate(
        reference.rows[:, seen.places],
        np.column_stack(seen.sample),
        [reference.views[place].name for place in seen.places],
        [reference.are_categories[place] for place in seen.places],
        level=level,
    )


def _latency(ms: np.ndarray) -> tuple[float, ...]:
    taken = ms[~np.isnan(ms)]
    return tuple(np.quantile(taken, [0.5, 0.99]).tolist()) if len(taken) else ()


def _age(bundle: Bundle, span: Span) -> float:
    newest = bundle.manifest.data_until()
    if newest is None or not span.end:
        return nan
    return (datetime.fromisoformat(span.end) - newest).total_seconds() / _SECONDS_A_DAY


def _estimate_error(windows: Sequence[Window], metrics: Sequence[str]) -> dict[str, float]:
    found: dict[str, list[float]] = {metric: [] for metric in metrics}
    for window in windows:
        for each in window.quality:
            error = abs(each.estimate - each.value)
            is_known = each.n_labelled >= _LEAST_KNOWN * each.n_rows and not isnan(error)
            if is_known and not each.slice:
                found[each.metric].append(error)
    return {metric: float(np.mean(errors)) for metric, errors in found.items() if errors}
