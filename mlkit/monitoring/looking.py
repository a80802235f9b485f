"""Look at each column once, for all windows: all columns together may not fit into memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mlkit.monitoring.findings import Drift
from mlkit.monitoring.observed import Observed
from mlkit.monitoring.reference import Reference
from mlkit.monitoring.separation import MOST_ROWS
from mlkit.monitoring.views import View
from mlkit.monitoring.windows import Span
from mlkit.training.frames import as_series

#: Rows of a window whose errors are estimated one by one, at most: their mean is then known
#: to about a hundredth.
_MOST_KEPT = 20_000


@dataclass(slots=True, kw_only=True)
class Look:
    """What the columns of one window show.

    Attributes
    ----------
    drifts
        Of each view that can be compared.
    places
        Which of the reference's views these are.
    sample
        Some of the rows that hold to the schema as numbers, a column (n_sampled,) for each of
        them.
    kept
        Positions of the rows that quality is estimated by, ascending.
    features
        These as numbers, a column (n_kept,) for each view; empty where nobody needs them.
    slices
        The values (n_rows,) of columns that slices are made of.
    is_broken
        Which rows (n_rows,) break the schema.
    violations
        What they break, a sentence each.
    """

    drifts: list[Drift] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    sample: list[np.ndarray] = field(default_factory=list)
    kept: np.ndarray
    features: list[np.ndarray] = field(default_factory=list)
    slices: dict[str, pd.Series] = field(default_factory=dict)
    is_broken: np.ndarray
    violations: list[str] = field(default_factory=list)


def look(
    observed: Observed,
    reference: Reference,
    order: np.ndarray | None,
    spans: Sequence[Span],
    *,
    least_rows: int,
) -> list[Look]:
    """Return what the columns of each window show.

    Parameters
    ----------
    observed
        All rows.
    reference
        What they are compared with.
    order, spans
        The windows; see `cut`.
    least_rows
        Windows of fewer rows are compared with nothing.
    """
    sizes = [span.rows.stop - span.rows.start for span in spans]
    # Errors of a regression are estimated by all columns; of classes, by scores alone.
    needs_features = observed.bundle.manifest.task == "regression"
    looks = [
        Look(
            is_broken=np.zeros(size, dtype=bool),
            kept=_drawn(size, _MOST_KEPT if needs_features else size, seed),
        )
        for seed, size in enumerate(sizes)
    ]
    # A sample is enough to tell rows apart by all columns.
    drawn = [_drawn(size, MOST_ROWS, seed) for seed, size in enumerate(sizes)]
    by_column = _by_column(reference.views)
    for name in observed.bundle.schema.names(known_before=True):
        found, breaches = observed.column(name)
        values = found if order is None else found[order]
        is_broken = np.zeros(len(values), dtype=bool)
        for breach in breaches:
            by_rule = breach.is_broken if order is None else breach.is_broken[order]
            is_broken |= by_rule
            for each, span in zip(looks, spans, strict=True):
                each.is_broken |= by_rule[span.rows]
                if count := int(by_rule[span.rows].sum()):
                    each.violations.append(f"{name} {breach.rule} in {count:,} rows")
        for each, span, rows in zip(looks, spans, drawn, strict=True):
            own = values[span.rows]
            if name in reference.expected.slices:
                # An evaluation names slices by what pandas holds.
                each.slices[name] = as_series(observed.bundle.schema.columns[name], own)
            for place, view in by_column.get(name, ()) if len(own) >= least_rows else ():
                if needs_features:
                    each.features.append(view.numbers(own[each.kept]))
                if view.part and view.part not in span.parts:
                    continue
                each.places.append(place)
                # What breaks the schema is told as such, and not once more as missing.
                each.drifts.append(view.reference.compare(view.of(own[~is_broken[span.rows]])))
                each.sample.append(view.numbers(own[rows]))
    for each, rows in zip(looks, drawn, strict=True):
        is_whole = ~each.is_broken[rows]
        each.sample = [column[is_whole] for column in each.sample]
    return looks


def _by_column(views: Sequence[View]) -> Mapping[str, list[tuple[int, View]]]:
    found: dict[str, list[tuple[int, View]]] = {}
    for place, view in enumerate(views):
        found.setdefault(view.column, []).append((place, view))
    return found


def _drawn(n_rows: int, most: int, seed: int) -> np.ndarray:
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, most, replace=False))
