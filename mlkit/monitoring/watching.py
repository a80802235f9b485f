"""Watch a model: cut what it was asked into windows, and hold each against what it learned from."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, nearest
from mlkit.core.log import get_logger, stage
from mlkit.core.trust import trusted_packages
from mlkit.monitoring.drift import Numbers
from mlkit.monitoring.estimation import Estimator
from mlkit.monitoring.findings import Drift, Monitoring, Separation, Window
from mlkit.monitoring.limits import current, rated
from mlkit.monitoring.observed import Observed, checked, observe_log, observe_table
from mlkit.monitoring.quality import Expected, Rows, judge
from mlkit.monitoring.separation import MOST_ROWS, separate
from mlkit.monitoring.views import View, matrix, views
from mlkit.monitoring.windows import Span, cut
from mlkit.scoring.prediction import Predictor
from mlkit.training.config import MonitoringConfig
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.metrics import METRICS
from mlkit.training.reference import HELD_OUT, PART, SCORE, TRAINED, TRUTH

log = get_logger(__name__)

#: Metrics of the evaluation that are watched unless others are named.
_N_METRICS = 3
#: Broken rules that a window tells.
_MOST_TOLD = 10
#: Share of a window's rows whose answers must be known to hold an estimate against them.
_LEAST_KNOWN = 0.5
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model learned from, and what it was judged on.

    Attributes
    ----------
    views
        How each column was distributed in the rows that it was trained on.
    scores
        How its scores were on the rows that it was judged on, one for each class.
    rows
        Rows that it was trained on, as numbers; see `matrix`.
    estimator
        None where too little is known.
    expected
        What it was worth.
    """

    views: Sequence[View]
    scores: Sequence[Numbers]
    rows: np.ndarray
    estimator: Estimator | None
    expected: Expected


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
    """
    needed = [c.name for c in bundle.schema.columns.values() if c.pii and not c.nullable]
    predictor = None if needed else _predictor(bundle)
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
    """Watch a model by a table of records; see `watch_log` for the parameters."""
    with stage(log, "reading", path=str(path)):
        observed = observe_table(
            _predictor(bundle), path, time=settings.time, since=since, until=until
        )
    return watch(observed, settings)


def watch(observed: Observed, settings: MonitoringConfig) -> Monitoring:
    """Return what was found of what a model was asked.

    Raises
    ------
    ConfigError
        If a metric does not fit the task.
    """
    bundle = observed.bundle
    evaluation = Evaluation.from_json(bundle.read(layout.EVALUATION))
    metrics = settings.metrics or [score.metric for score in evaluation.scores[:_N_METRICS]]
    for name in metrics:
        if name not in METRICS[bundle.manifest.task]:
            raise ConfigError(
                f"monitoring.metrics names {name!r}. {nearest(name, METRICS[bundle.manifest.task])}"
            )
    order, spans = cut(observed.times, len(observed), settings.window)
    with stage(log, "watching", windows=len(spans), rows=len(observed)):
        reference = _reference(bundle, Expected.of(evaluation, metrics), settings.window)
        windows = _windows(observed, reference, settings, order, spans)
        windows = [rated(each, bundle.manifest.task, settings) for each in windows]
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


def _reference(bundle: Bundle, expected: Expected, window: str) -> Reference:
    table = pq.read_table(io.BytesIO(bundle.read(layout.REFERENCE)))
    is_trained, is_held_out = (
        np.asarray(table[PART].to_pandas() == part) for part in (TRAINED, HELD_OUT)
    )
    columns = {
        name: checked(column, table)[0]
        for name, column in bundle.schema.columns.items()
        if name in table.column_names
    }
    trained, held_out = (
        {name: values[rows] for name, values in columns.items()}
        for rows in (is_trained, is_held_out)
    )
    chosen = views(bundle.schema, trained, window)
    by_class = np.column_stack(
        [table[n].to_numpy()[is_held_out] for n in table.column_names if n.startswith(f"{SCORE}.")]
    )
    truth = table[TRUTH].to_numpy()[is_held_out]
    task = bundle.manifest.task
    is_known = ~np.isnan(truth)
    numbers, are_categories = matrix(chosen, held_out)
    estimator = None
    if is_known.any():
        scores = by_class if task == "multiclass" else by_class[:, 0]
        estimator = Estimator(
            task, scores[is_known], truth[is_known], numbers[is_known], are_categories
        )
    return Reference(
        views=chosen,
        scores=[
            Numbers(name, "", column)
            for name, column in zip(_score_names(bundle), by_class.T, strict=True)
        ],
        rows=matrix(chosen, trained)[0],
        estimator=estimator,
        expected=expected,
    )


def _score_names(bundle: Bundle) -> list[str]:
    if bundle.manifest.task == "multiclass":
        return [f"probability of {label}" for label in bundle.manifest.classes]
    return ["probability" if bundle.manifest.classes else "prediction"]


def _windows(
    observed: Observed,
    reference: Reference,
    settings: MonitoringConfig,
    order: np.ndarray | None,
    spans: Sequence[Span],
) -> list[Window]:
    """Look at each column once, for all windows, as they may not all fit into memory."""

    def ordered(values: np.ndarray) -> np.ndarray:
        return values if order is None else values[order]

    n_rows = [span.rows.stop - span.rows.start for span in spans]
    are_tested = [n >= settings.least_rows for n in n_rows]
    drifts: list[list[Drift]] = [[] for _ in spans]
    # A sample is enough to tell rows apart by all columns.
    drawn = [_drawn(n, place) for place, n in enumerate(n_rows)]
    sampled: list[list[np.ndarray]] = [[] for _ in spans]
    features: list[list[np.ndarray]] = [[] for _ in spans]
    sliced: dict[str, np.ndarray] = {}
    is_broken = np.zeros(len(observed), dtype=bool)
    told: list[list[str]] = [[] for _ in spans]
    needs_features = observed.bundle.manifest.task == "regression"
    by_column: dict[str, list[View]] = {}
    for view in reference.views:
        by_column.setdefault(view.column, []).append(view)
    known = [c.name for c in observed.bundle.schema.columns.values() if c.known_before]
    for name in known:
        values, breaches = observed.column(name)
        values = ordered(values)
        for breach in breaches:
            breaks = ordered(breach.is_broken)
            is_broken |= breaks
            for place, span in enumerate(spans):
                if count := int(breaks[span.rows].sum()):
                    told[place].append(f"{name}: {breach.rule} in {count:,} rows")
        if name in reference.expected.slices:
            sliced[name] = values
        for view in by_column.get(name, ()):
            for place, span in enumerate(spans):
                if not are_tested[place]:
                    continue
                own = values[span.rows]
                drifts[place].append(view.reference.compare(view.of(own)))
                sampled[place].append(view.numbers(own[drawn[place]]))
                if needs_features:
                    features[place].append(view.numbers(own))
    scores, codes, ms = (
        ordered(values) if len(values) else values
        for values in (observed.scores, observed.codes, observed.ms)
    )
    times = None if observed.times is None else ordered(observed.times)
    newest = _newest(observed.bundle)
    windows = []
    for place, span in enumerate(spans):
        rows = span.rows
        part = Rows(
            scores=scores[rows],
            codes=codes[rows],
            features=np.column_stack(features[place])
            if features[place]
            else np.empty((n_rows[place], 0)),
            days=None if times is None else times[rows].astype("datetime64[D]"),
            parts=reference.expected.parts({name: v[rows] for name, v in sliced.items()}),
        )
        windows.append(
            Window(
                name=span.name,
                start=span.start,
                end=span.end,
                n_rows=n_rows[place],
                is_tested=are_tested[place],
                n_violating=int(is_broken[rows].sum()),
                violations=tuple(told[place][:_MOST_TOLD]),
                drifts=tuple(drifts[place]),
                predictions=tuple(_predictions(reference, part.scores))
                if are_tested[place]
                else (),
                separation=_separation(reference, sampled[place], settings, place),
                quality=judge(
                    observed.bundle.manifest.task,
                    observed.bundle.manifest.threshold,
                    reference.expected,
                    reference.estimator if are_tested[place] else None,
                    part,
                ),
                latency=_latency(ms[rows] if len(ms) else ms),
                age_days=_age(newest, span),
            )
        )
    return windows


def _drawn(n_rows: int, place: int) -> np.ndarray:
    if n_rows <= MOST_ROWS:
        return np.arange(n_rows)
    rng = np.random.default_rng(place)
    return np.sort(rng.choice(n_rows, MOST_ROWS, replace=False))


def _predictions(reference: Reference, scores: np.ndarray) -> list[Drift]:
    by_class = scores.reshape(len(scores), -1)
    is_scored = ~np.isnan(by_class).any(axis=1)
    return [
        numbers.compare(column)
        for numbers, column in zip(reference.scores, by_class[is_scored].T, strict=True)
    ]


def _separation(
    reference: Reference, columns: Sequence[np.ndarray], settings: MonitoringConfig, place: int
) -> Separation | None:
    # Of one column, its own test says all.
    if len(columns) < 2:
        return None
    categories = [not isinstance(view.reference, Numbers) for view in reference.views]
    return separate(
        reference.rows,
        np.column_stack(columns),
        [view.name for view in reference.views],
        categories,
        level=settings.level,
        seed=place,
    )


def _latency(ms: np.ndarray) -> tuple[float, ...]:
    taken = ms[~np.isnan(ms)]
    return tuple(np.quantile(taken, [0.5, 0.99]).tolist()) if len(taken) else ()


def _newest(bundle: Bundle) -> np.datetime64 | None:
    data: Mapping[str, Any] = bundle.manifest.lineage.get("data") or {}
    times = data.get("time_range") or ()
    if not times:
        return None
    moment = datetime.fromisoformat(times[-1])
    return np.datetime64(moment.replace(tzinfo=None) - (moment.utcoffset() or moment - moment))


def _age(newest: np.datetime64 | None, span: Span) -> float:
    if newest is None or not span.end:
        return nan
    return float((np.datetime64(span.end.removesuffix("Z")) - newest) / _DAY)


def _estimate_error(windows: Sequence[Window], metrics: Sequence[str]) -> dict[str, float]:
    found = {}
    for metric in metrics:
        errors = [
            abs(each.estimate - each.value)
            for window in windows
            for each in window.quality
            if each.metric == metric
            and not each.slice
            and each.n_labelled >= _LEAST_KNOWN * each.n_rows
            and not isnan(each.estimate - each.value)
        ]
        if errors:
            found[metric] = float(np.mean(errors))
    return found
