"""Lay an evaluation out as tables of text: the terminal's, the card's and the page's."""

from collections.abc import Sequence
from math import isnan

from mlkit.core.column import Column
from mlkit.core.table import Table
from mlkit.training.judging.findings import (
    NONE,
    Comparison,
    Contribution,
    Flattery,
    Leak,
    Score,
    SliceScores,
    Verdict,
    figure,
)

#: What a row of a table calls the rows that are not in one slice only.
WHOLE = "all rows"


def between(low: float, high: float) -> str:
    """Return an interval, a dash where there is none."""
    return NONE if isnan(low) or isnan(high) else f"{figure(low)} to {figure(high)}"


def score_table(scores: Sequence[Score], level: float) -> Table:
    """Return the metrics beside what they are held against."""
    return Table(
        head=("metric", "value", f"{level:.0%} interval", "naive baseline", "simple model"),
        rows=tuple(
            (
                score.metric,
                figure(score.value),
                between(score.low, score.high),
                figure(score.baseline),
                figure(score.simple),
            )
            for score in scores
        ),
    )


def slice_table(scores: Sequence[Score], n_rows: int, slices: Sequence[SliceScores]) -> Table:
    """Return each metric on slices of the rows, and on all of them."""
    every = ((WHOLE, n_rows, scores),)
    return Table(
        head=("slice", "rows", *(score.metric for score in scores)),
        rows=tuple(
            (name, f"{count:,}", *(figure(score.value) for score in own))
            for name, count, own in (
                *every,
                *((each.name, each.n_rows, each.scores) for each in slices),
            )
        ),
    )


def gate_table(gates: Sequence[Verdict]) -> Table:
    """Return the gates, those that failed first."""
    return Table(
        head=("gate", "result", "figure", "bound"),
        rows=tuple(
            (
                gate.what,
                "not judged" if gate.unjudged else "passed" if gate.passed else "failed",
                figure(gate.figure),
                f"at {'least' if gate.is_floor else 'most'} {figure(gate.bound)}",
            )
            for gate in sorted(gates, key=lambda gate: gate.passed)
        ),
        n_texts=2,
    )


def comparison_table(comparison: Comparison, level: float) -> Table:
    """Return the model beside the champion: by slices in the first metric only."""
    first = comparison.differences[0].metric if comparison.differences else ""
    return Table(
        head=("metric", "on", "rows", "model", "champion", "gain", f"{level:.0%} interval"),
        rows=tuple(
            (
                found.metric,
                found.slice or WHOLE,
                f"{found.n_rows:,}",
                figure(found.value),
                figure(found.champion),
                figure(found.gain),
                between(found.low, found.high),
            )
            for found in comparison.differences
            if not found.slice or found.metric == first
        ),
        n_texts=2,
    )


def contribution_table(contributions: Sequence[Contribution], level: float) -> Table:
    """Return what the features are worth."""
    return Table(
        head=("feature", "loss without", f"{level:.0%} interval"),
        rows=tuple(
            (found.feature, figure(found.loss), between(found.low, found.high))
            for found in contributions
        ),
    )


def leak_table(leaks: Sequence[Leak]) -> Table:
    """Return what may tell an answer that the model will not have."""
    return Table(
        head=("columns", "what was found", "figure"),
        rows=tuple((", ".join(leak.columns), leak.message, figure(leak.figure)) for leak in leaks),
        n_texts=2,
    )


def part_table(parts: Sequence[tuple[str, str]]) -> Table:
    """Return what a model consists of, or what made it."""
    return Table(head=("what", "which"), rows=tuple(parts), n_texts=2)


def flattered(flattery: Flattery) -> str:
    """Return what a random split would have promised, in a sentence."""
    return (
        f"A random split would have promised {flattery.metric} {figure(flattery.at_random)}; "
        f"the split in use promises {figure(flattery.as_split)}, by a model fitted on "
        f"{flattery.n_rows:,} rows each time."
    )


def column_table(columns: Sequence[Column]) -> Table:
    """Return what a record holds: the data dictionary."""
    return Table(
        head=("field", "type", "may be missing", "unit", "meaning"),
        rows=tuple(
            (
                column.name,
                column.kind,
                "yes" if column.nullable else "no",
                column.unit or "",
                column.description or "",
            )
            for column in columns
        ),
        n_texts=5,
    )
