"""Judge gates from what was found of a model, and of the bundle that it was packed into."""

from collections.abc import Iterator, Sequence
from math import nan

from mlkit.core.bundle import Bundle
from mlkit.scoring.prediction import Predictor
from mlkit.training.judging.comparison import lower_bounds
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import Difference, Score, SliceScores, Verdict
from mlkit.training.judging.gates import BUNDLE_FIGURES, LEAKS, Gate

_BESIDE = {"baseline": "naive baseline", "simple": "simple model"}


def judged(gates: Sequence[Gate], evaluation: Evaluation) -> list[Verdict]:
    """Return the verdict of every gate, one for each slice where it names a column.

    Gates on a bundle's figures are left to `bundle_verdicts`.

    Parameters
    ----------
    gates
        What `check_gates` has accepted.
    evaluation
        Whatever else was found; its level is that of the tests against the
        champion as well, see `lower_bounds`.
    """
    found: list[Verdict] = []
    for gate in gates:
        if gate.metric == LEAKS:
            found += _bounded(gate, "the number of leaks", len(evaluation.leaks))
        elif gate.metric not in BUNDLE_FIGURES:
            found += _of_metric(gate, evaluation)
    return found


def bundle_verdicts(gates: Sequence[Gate], bundle: Bundle, trusted: Sequence[str]) -> list[Verdict]:
    """Return the verdicts of the gates on a bundle's size and on its latency here and now.

    Parameters
    ----------
    gates
        Of any kind; the others are passed over.
    bundle
        What is measured, see `Predictor.latency`.
    trusted
        Packages whose classes the bundle may use.
    """
    names = {gate.metric for gate in gates if gate.metric in BUNDLE_FIGURES}
    figures = {}
    if "bundle_mb" in names:
        size = sum(file.stat().st_size for file in bundle.path.iterdir() if file.is_file())
        figures["bundle_mb"] = size / 1e6
    if names - {"bundle_mb"}:
        latency = Predictor.load(bundle.path, trusted=trusted).latency()
        figures |= {"latency_p50_us": latency.p50, "latency_p99_us": latency.p99}
    return [
        verdict
        for gate in gates
        if gate.metric in names
        for verdict in _bounded(gate, gate.metric, figures[gate.metric])
    ]


def _of_metric(gate: Gate, evaluation: Evaluation) -> Iterator[Verdict]:
    column = gate.slice or gate.disparity
    slices = [each for each in evaluation.slices if each.column == column]
    if gate.disparity is not None:
        yield _disparity(gate, slices)
        return
    if column is not None and not slices:
        what = f"{gate.metric} where {column} is cut (no slice has enough rows)"
        yield Verdict(what=what, figure=nan, bound=nan, is_floor=True)
        return
    if gate.champion is not None:
        yield from _against_champion(gate, evaluation, slices)
        return
    where = [(f" where {each.name}", each.scores) for each in slices] or [("", evaluation.scores)]
    for place, scores in where:
        score = next(score for score in scores if score.metric == gate.metric)
        yield from _bounded(gate, f"{gate.metric}{place}", score.value, score)


def _bounded(gate: Gate, what: str, figure: float, score: Score | None = None) -> Iterator[Verdict]:
    for bound, is_floor in ((gate.at_least, True), (gate.at_most, False)):
        if bound is not None:
            limit, beside = bound, ""
            if isinstance(bound, str):
                limit, beside = getattr(score, bound), f" beside the {_BESIDE[bound]}"
            # The bound of a count reads as a count, too.
            counts = isinstance(figure, int) and isinstance(limit, int)
            yield Verdict(
                what=f"{what}{beside}",
                figure=figure,
                bound=int(limit) if counts else float(limit),
                is_floor=is_floor,
            )


def _disparity(gate: Gate, slices: Sequence[SliceScores]) -> Verdict:
    values = [
        score.value for each in slices for score in each.scores if score.metric == gate.metric
    ]
    # A slice whose metric is undefined could lie anywhere, so that the whole is undefined.
    is_known = len(values) > 1 and all(value == value for value in values)
    return Verdict(
        what=f"the largest difference in {gate.metric} between slices by {gate.disparity}",
        figure=max(values) - min(values) if is_known else nan,
        bound=float(gate.at_most),  # type: ignore[arg-type]  # Gate has seen to it
        is_floor=False,
    )


def _against_champion(
    gate: Gate, evaluation: Evaluation, slices: Sequence[SliceScores]
) -> Iterator[Verdict]:
    margin = float(gate.champion or 0)
    what = f"the lower bound of the gain in {gate.metric} over the champion"
    if evaluation.comparison is None:
        place = f" where {gate.slice} is cut" if gate.slice else ""
        yield Verdict(
            what=f"{what}{place}",
            figure=nan,
            bound=-margin,
            is_floor=True,
            unjudged="for there is no champion yet",
        )
        return
    names = [each.name for each in slices] or [""]
    found: list[Difference] = [
        difference
        for difference in evaluation.comparison.differences
        if difference.metric == gate.metric and difference.slice in names
    ]
    for difference, bound in zip(found, lower_bounds(found, margin, evaluation.level), strict=True):
        place = f" where {difference.slice}" if difference.slice else ""
        yield Verdict(what=f"{what}{place}", figure=bound, bound=-margin, is_floor=True)
