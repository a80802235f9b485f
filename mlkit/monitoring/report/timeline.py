"""Draw what was found over time, window by window."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isnan, nan

from mlkit.core.table import Table
from mlkit.monitoring.findings import Drift, Quality, Window
from mlkit.monitoring.report.picking import by_column, by_psi, quality_of
from mlkit.monitoring.report.plots import Course, Level, courses
from mlkit.monitoring.report.verdict import share
from mlkit.training.judging.findings import figure
from mlkit.training.report.parts import Plot

#: Columns, classes or metrics of one plot.
_DRAWN = 5
_MOST_METRICS = 3


class Timeline:
    """The plots of some windows.

    Parameters
    ----------
    windows
        By time.
    newest
        By which the columns are chosen that are drawn: the newest that was tested.
    levels
        Of a setting such as `psi`: from where on it is a warning, and an alarm.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        newest: Window | None,
        levels: Callable[[str], Sequence[Level]],
    ) -> None:
        self._windows = windows
        self._newest = newest
        self._levels = levels

    def plots(self, metric: str) -> Iterator[Plot]:
        """Yield a plot of each thing that is known in any window; `metric` comes first."""
        found = (
            self._drift(),
            *self._quality(metric),
            self._missing(),
            self._predictions(),
            self._separation(),
            self._rows(),
            self._latency(),
        )
        return (plot for plot in found if plot is not None)

    def _drift(self) -> Plot | None:
        drifts = self._newest.drifts if self._newest else ()
        names = [drift.name for drift in by_psi(drifts)[:_DRAWN]]
        return self._plot(
            "drift",
            "Drift",
            "PSI of the columns that have drifted most by now.",
            [self._of(name, lambda w: w.drifts, lambda drift: drift.psi) for name in names],
            y="PSI",
            levels=self._levels("psi"),
        )

    def _quality(self, first: str) -> Iterator[Plot | None]:
        known = (q.metric for w in self._windows for q in w.quality if not q.slice)
        for place, metric in enumerate(list(dict.fromkeys((first, *known)))[:_MOST_METRICS]):
            parts = [quality_of(window, metric) for window in self._windows]

            def figures(
                of: Callable[[Quality], float], parts: Sequence[Quality | None] = parts
            ) -> tuple[float, ...]:
                return tuple(nan if each is None else of(each) for each in parts)

            found = [
                Course(
                    label="value",
                    values=figures(lambda q: q.value),
                    low=figures(lambda q: q.low),
                    high=figures(lambda q: q.high),
                ),
                Course(label="estimate", values=figures(lambda q: q.estimate)),
                Course(label="expected", values=figures(lambda q: q.expected)),
            ]
            if not (found[0].is_known or found[1].is_known):
                continue
            note = (
                "With its interval, beside what the model's own confidence says, and the holdout."
            )
            yield self._plot(f"quality{place}", metric, note, found, y=metric, from_zero=False)

    def _missing(self) -> Plot | None:
        found = by_column(self._newest.drifts if self._newest else ()).values()
        changed = sorted(found, key=_by_missing)[:_DRAWN]
        return self._plot(
            "missing",
            "Missing values",
            "Share of the columns in which it has changed most by now.",
            [
                self._of(each.name, lambda w: w.drifts, lambda drift: drift.missing)
                for each in changed
            ],
            y="missing",
            in_percent=True,
            said=share,
        )

    def _predictions(self) -> Plot | None:
        names = dict.fromkeys(each.name for w in self._windows for each in w.predictions)
        return self._plot(
            "scores",
            "Predictions",
            "PSI of what is predicted: how far it is from what it was on the holdout.",
            [
                self._of(name, lambda w: w.predictions, lambda drift: drift.psi)
                for name in list(names)[:_DRAWN]
            ],
            y="PSI",
            levels=self._levels("psi"),
        )

    def _separation(self) -> Plot | None:
        found = tuple(w.separation.auc if w.separation else nan for w in self._windows)
        return self._plot(
            "separation",
            "Separation",
            "How well the rows are told from the reference's by all columns at once.",
            [Course(label="AUC", values=found)],
            y="AUC",
            levels=[Level(label="chance", value=0.5), *self._levels("auc")],
            from_zero=False,
        )

    def _rows(self) -> Plot | None:
        answered = (max((q.n_labelled for q in w.quality), default=0) for w in self._windows)
        found = [
            Course(label="rows", values=tuple(float(w.n_rows) for w in self._windows)),
            Course(label="with answers", values=tuple(map(float, answered))),
            Course(
                label="against the schema",
                values=tuple(float(w.n_violating) for w in self._windows),
            ),
        ]
        note = "All, those whose answers are known, and those that break the schema."
        return self._plot(
            "rows", "Rows", note, found, y="rows", said=lambda value: figure(int(value))
        )

    def _latency(self) -> Plot | None:
        def at(place: int) -> tuple[float, ...]:
            return tuple(w.latency[place] if len(w.latency) > place else nan for w in self._windows)

        return self._plot(
            "latency",
            "Latency",
            "How long a request took: the median, and what 99 of 100 stay below.",
            [Course(label="99 of 100", values=at(1)), Course(label="median", values=at(0))],
            y="ms",
            levels=self._levels("latency_ms"),
        )

    def _of(
        self,
        name: str,
        drifts: Callable[[Window], Iterable[Drift]],
        figure_of: Callable[[Drift], float],
    ) -> Course:
        """Return one thing's figure in each window."""
        found = ({each.name: each for each in drifts(window)} for window in self._windows)
        values = tuple(figure_of(each[name]) if name in each else nan for each in found)
        return Course(label=name, values=values)

    def _plot(
        self,
        name: str,
        title: str,
        note: str,
        found: Sequence[Course],
        *,
        y: str,
        levels: Sequence[Level] = (),
        from_zero: bool = True,
        in_percent: bool = False,
        said: Callable[[float], str] = figure,
    ) -> Plot | None:
        found = [course for course in found if course.is_known]
        if not found:
            return None
        names = [window.name for window in self._windows]
        svg = courses(
            f"over-{name}",
            f"{title} over time",
            found,
            windows=names,
            y=y,
            levels=levels,
            from_zero=from_zero,
            in_percent=in_percent,
        )
        figures = zip(names, *(course.values for course in found), strict=True)
        table = Table(
            head=("window", *(course.label for course in found)),
            rows=tuple((when, *map(said, values)) for when, *values in figures),
        )
        return Plot(title=title, svg=svg, note=note, table=table)


def _by_missing(drift: Drift) -> float:
    """Return what sorts the largest change first, and what there is none of last."""
    change = abs(drift.missing - drift.missing_before)
    return 1 if isnan(change) else -change
