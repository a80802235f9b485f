"""Rules that a model must pass to ship, each with its figure and its bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.training.judging.evaluation import Part, Score, Verdict
from mlkit.training.judging.metrics import METRICS

#: A bound that is what the naive baseline has on the same rows.
BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One rule: a metric within its bounds, on all rows or on every slice by a column.

    Attributes
    ----------
    metric
        One of the evaluation's.
    at_least, at_most
        A number, or `baseline` for what the naive baseline has on the same rows.
    slice
        A column that the evaluation cuts by; each of its slices must pass.

    Raises
    ------
    ConfigError
        If there is no bound, or one is neither a number nor `baseline`.
    """

    metric: str
    at_least: float | str | None = None
    at_most: float | str | None = None
    slice: str | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds:
            raise ConfigError(f"The gate on {self.metric} needs at_least or at_most.")
        for bound in bounds:
            if isinstance(bound, bool) or not (
                isinstance(bound, (int, float)) or bound == BASELINE
            ):
                raise ConfigError(
                    f"A bound of the gate on {self.metric} is {bound!r}: give a number, or "
                    f"{BASELINE}."
                )


def check_gates(
    gates: Sequence[Gate], task: str, metrics: Sequence[str], slices: Sequence[str]
) -> None:
    """Raise a ConfigError for a gate that can never be judged, before long work starts."""
    for gate in gates:
        if gate.metric not in METRICS[task]:
            raise ConfigError(
                f"A gate names the metric {gate.metric}, which does not fit a {task} target. "
                f"{nearest(gate.metric, METRICS[task])}"
            )
        if gate.metric not in metrics:
            raise ConfigError(
                f"A gate names the metric {gate.metric}, which evaluation.metrics leaves out: "
                f"it has {listed(metrics)}."
            )
        if gate.slice is not None and gate.slice not in slices:
            raise ConfigError(
                f"A gate names slices by {gate.slice}, but evaluation.slices has "
                f"{listed(slices) or 'none'}. Add it there."
            )


def judged(gates: Sequence[Gate], scores: Sequence[Score], parts: Sequence[Part]) -> list[Verdict]:
    """Return the verdict of every gate, one for each slice where it names a column.

    Parameters
    ----------
    gates
        What `check_gates` has accepted.
    scores, parts
        An evaluation's, of all rows and of its slices.
    """
    found: list[Verdict] = []
    for gate in gates:
        where = [("", scores)]
        if gate.slice is not None:
            where = [(f" where {p.name}", p.scores) for p in parts if p.column == gate.slice]
        for place, scored in where:
            score = next(score for score in scored if score.metric == gate.metric)
            found += _verdicts(gate, f"{gate.metric}{place}", score)
    return found


def _verdicts(gate: Gate, name: str, score: Score) -> Iterator[Verdict]:
    for bound, is_floor in ((gate.at_least, True), (gate.at_most, False)):
        if bound is not None:
            limit = score.baseline if bound == BASELINE else float(bound)
            yield Verdict(what=name, figure=score.value, bound=limit, is_floor=is_floor)
