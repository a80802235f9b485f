"""Choose what a page shows of an evaluation, and in which order."""

from collections.abc import Iterator, Sequence

from mlkit.core.table import Table
from mlkit.training.facts import Facts
from mlkit.training.judging.curves import OTHERS
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import Curve, SliceScores, figure
from mlkit.training.judging.metrics import METRICS
from mlkit.training.judging.tables import (
    WHOLE,
    column_table,
    comparison_table,
    contribution_table,
    gate_table,
    leak_table,
    part_table,
    score_table,
    slice_table,
)
from mlkit.training.report.parts import Cell, Heat, Plot, Section
from mlkit.training.report.plots import Dot, dots, histograms, lines

#: Metrics that are drawn by slice; the tables have them all.
_DRAWN = 2
#: The metrics that are the mean of the losses by which the worst slices are sought.
_SOUGHT_BY = ("log_loss", "mae")
_ZERO = Dot(label="", value=0, low=0, high=0)


def sections(evaluation: Evaluation, facts: Facts) -> Iterator[Section]:
    """Yield the parts that there are data for."""
    if evaluation.gates:
        yield Section(id="gates", title="Gates", tables=(gate_table(evaluation.gates),))
    yield Section(
        id="metrics",
        title="Metrics",
        lead=" ".join(_of_metrics(evaluation)),
        tables=(score_table(evaluation.scores, evaluation.level),),
    )
    if evaluation.comparison is not None and evaluation.comparison.differences:
        yield _comparison(evaluation)
    if evaluation.slices:
        lead = "The line and its band are what the model has on all rows."
        metrics = [score.metric for score in evaluation.scores[:_DRAWN]]
        yield _slices(evaluation, evaluation.slices, metrics, "slices", "Slices", lead)
    if evaluation.worst:
        lead = "Where it errs most, as a shallow tree on its errors found."
        names = [score.metric for score in evaluation.scores]
        metrics = [name for name in names if name in _SOUGHT_BY] or names[:_DRAWN]
        yield _slices(evaluation, evaluation.worst, metrics, "worst", "Worst slices", lead)
    yield from _of_curves(evaluation.curves)
    if evaluation.contributions:
        yield _importance(evaluation)
    if evaluation.leaks:
        yield Section(id="warnings", title="Warnings", tables=(leak_table(evaluation.leaks),))
    if facts.columns:
        table = column_table(facts.columns)
        yield Section(id="takes", title="What it takes", tables=(table,))
    if facts.parts:
        table = part_table(facts.parts)
        yield Section(id="parts", title="What it consists of", tables=(table,))
    if facts.runs or facts.lineage:
        tables = (part_table(facts.lineage),) if facts.lineage else ()
        yield Section(
            id="runs", title="How it runs, and what made it", lead=facts.runs, tables=tables
        )


def _of_metrics(evaluation: Evaluation) -> Iterator[str]:
    yield evaluation.judged_on()
    yield f"The bootstrap drew {evaluation.drawn}."
    yield from evaluation.notes()
    yield _directions(evaluation)


def _directions(evaluation: Evaluation) -> str:
    up = {name for task in METRICS.values() for name in task if task[name].more_is_better}
    names = [score.metric for score in evaluation.scores]
    more, less = [n for n in names if n in up], [n for n in names if n not in up]
    said = [f"more is better for {', '.join(more)}"] if more else []
    said += [f"less is better for {', '.join(less)}"] if less else []
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _comparison(evaluation: Evaluation) -> Section:
    comparison = evaluation.comparison
    assert comparison is not None  # noqa: S101
    metric = comparison.differences[0].metric
    title = f"Gain in {metric}"
    found = [
        Dot(label=d.slice or WHOLE, value=d.gain, low=d.low, high=d.high)
        for d in comparison.differences
        if d.metric == metric
    ]
    svg = dots("comparison", title, found, reference=_ZERO, x=f"gain in {metric}")
    return Section(
        id="comparison",
        title="Beside the champion",
        lead=f"On the same rows as {comparison.champion}. Above 0 this model is the better one.",
        plots=(Plot(title=title, svg=svg),),
        tables=(comparison_table(comparison, evaluation.level),),
    )


def _slices(
    evaluation: Evaluation,
    slices: Sequence[SliceScores],
    metrics: Sequence[str],
    name: str,
    title: str,
    lead: str,
) -> Section:
    plots = []
    for place, metric in enumerate(metrics):
        found = [
            Dot(label=each.name, value=score.value, low=score.low, high=score.high)
            for each in slices
            for score in each.scores
            if score.metric == metric
        ]
        own = evaluation[metric]
        label = f"{WHOLE}: {figure(own.value)}"
        whole = Dot(label=label, value=own.value, low=own.low, high=own.high)
        svg = dots(f"{name}{place}", f"{title}: {metric}", found, reference=whole, x=metric)
        plots.append(Plot(title=metric, svg=svg))
    table = slice_table(evaluation.scores, evaluation.n_rows, slices)
    return Section(id=name, title=title, lead=lead, plots=tuple(plots), tables=(table,))


def _importance(evaluation: Evaluation) -> Section:
    metric = evaluation.contributions[0].metric
    svg = dots(
        "importance",
        f"How much worse {metric} gets without each feature",
        [
            Dot(label=c.feature, value=c.loss, low=c.low, high=c.high)
            for c in evaluation.contributions
        ],
        reference=_ZERO,
        x=f"loss in {metric}",
    )
    return Section(
        id="importance",
        title="What the features are worth",
        lead=f"How much worse {metric} gets when a feature's values are shuffled over the rows.",
        plots=(Plot(title="Importance", svg=svg),),
        tables=(contribution_table(evaluation.contributions, evaluation.level),),
        beside=True,
    )


def _of_curves(curves: Sequence[Curve]) -> Iterator[Section]:
    by_kind: dict[str, list[Curve]] = {}
    for curve in curves:
        by_kind.setdefault(curve.kind, []).append(curve)
    if plots := tuple(_of_probabilities(by_kind)):
        yield Section(id="probabilities", title="Ranking and calibration", plots=plots)
    if "confusion" in by_kind:
        yield _confusion(by_kind["confusion"])
    if "deciles" in by_kind:
        yield _residuals(by_kind)


def _of_probabilities(by_kind: dict[str, list[Curve]]) -> Iterator[Plot]:
    if found := by_kind.get("roc"):
        x, y = "false positive rate", "true positive rate"
        yield Plot(
            title="ROC",
            svg=lines("roc", "ROC", found, x=x, y=y, diagonal=True, unit=True),
            note="Each class against the rest."
            if len(found) > 1
            else "A guess lies on the diagonal.",
            table=_points(found, x, y),
        )
    if found := by_kind.get("precision_recall"):
        x, y = "recall", "precision"
        yield Plot(
            title="Precision and recall",
            svg=lines("precision", "Precision and recall", found, x=x, y=y, unit=True),
            note=f"Of the rows called {found[0].label}, how many are; of those that are, how many "
            "were called so.",
            table=_points(found, x, y),
        )
    if found := by_kind.get("calibration"):
        x, y = "mean probability", "share where it held"
        yield Plot(
            title="Calibration",
            svg=lines("calibration", "Calibration", found, x=x, y=y, diagonal=True, unit=True),
            note=f"Probabilities of {found[0].label}. On the diagonal they are what they say; "
            "larger dots are more rows.",
            table=_points(found, x, y),
        )
    if found := by_kind.get("distribution"):
        x, y = "probability", "share of the class"
        title = "Distribution of the scores"
        yield Plot(
            title=title,
            svg=histograms("distribution", title, found, x=x, y=y),
            note="The further apart the classes lie, the better they are told apart.",
            table=_points(found, x, y),
        )


def _confusion(found: Sequence[Curve]) -> Section:
    names = [curve.label for curve in found]
    if len(found[0].x) > len(names):
        names.append(OTHERS)
    rows = tuple(
        (
            curve.label,
            tuple(
                Cell(share=share, text=f"{share:.0%}", under=f"{count:,}")
                for share, count in zip(curve.y, curve.n_rows, strict=True)
            ),
        )
        for curve in found
    )
    return Section(
        id="confusion",
        title="Confusion",
        lead="Rows of each true class, by the class that was chosen.",
        heat=Heat(head=("true class", *names), rows=rows),
    )


def _residuals(by_kind: dict[str, list[Curve]]) -> Section:
    deciles, gaps = by_kind["deciles"], by_kind["residuals"]
    by_prediction = by_kind["residuals_by_prediction"]
    x, y = "mean predicted", "mean actual"
    compared = lines("deciles", "Predicted against actual", deciles, x=x, y=y, diagonal=True)
    spread, share = "actual less predicted", "share of the rows"
    title = "Distribution of the residuals"
    return Section(
        id="residuals",
        title="Predictions and residuals",
        lead="By tenths of the rows, from the lowest prediction to the highest. A residual is "
        "what was, less what was predicted; the outermost half percents are drawn at the edges.",
        plots=(
            Plot(title="Predicted against actual", svg=compared, table=_points(deciles, x, y)),
            Plot(
                title=title,
                svg=histograms("residuals", title, gaps, x=spread, y=share),
                table=_points(gaps, spread, share),
            ),
            Plot(
                title="Residuals by prediction",
                svg=lines(
                    "spread", "Residuals by prediction", by_prediction, x=x, y=spread, level=0
                ),
                table=_points(by_prediction, x, spread),
            ),
        ),
    )


def _points(curves: Sequence[Curve], x: str, y: str) -> Table:
    """Return the points of curves; those of many at most every fifth."""
    counted = bool(curves[0].n_rows)
    step = 1 if len(curves) == 1 or counted else 5
    return Table(
        head=("of", x, y, *(("rows",) if counted else ())),
        rows=tuple(
            (
                curve.label,
                figure(curve.x[place]),
                figure(curve.y[place]),
                *((f"{curve.n_rows[place]:,}",) if counted else ()),
            )
            for curve in curves
            for place in range(0, len(curve.x), step)
        ),
    )
