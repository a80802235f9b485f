"""Rules that a model must pass to ship: what they may say, checked before work starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.training.judging.metrics import METRICS

#: Bounds that are what the naive baseline, or the simple model, has on the same rows.
BASELINES = ("baseline", "simple")
#: How many columns or pairs of them may tell the answer (`Evaluation.leaks`).
LEAKS = "leaks"
#: What is known only of a bundle, not of the model in it.
BUNDLE_FIGURES = ("latency_p50_us", "latency_p99_us", "bundle_mb")
_PLAIN = (LEAKS, *BUNDLE_FIGURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One rule.

    Attributes
    ----------
    metric
        One of the evaluation's; or `leaks`, `latency_p50_us`, `latency_p99_us`
        (of one record, in µs) or `bundle_mb` (10^6 bytes), which take a number
        as bound and nothing else.
    at_least, at_most
        A number, or `baseline` or `simple` for what the naive baseline or the
        simple model has on the same rows.
    champion
        How much worse than the champion the model may be, in the metric's units
        and whatever its direction: the lower bound of its gain must reach minus
        this. With 0 it must be better, or predict the same.
    slice
        A column that the evaluation cuts by; each of its slices must pass.
    disparity
        A column that the evaluation cuts by; the largest difference between its
        slices must be within `at_most`.

    Raises
    ------
    ConfigError
        If it has no bound, one that makes no sense, or too many.
    """

    metric: str
    at_least: float | str | None = None
    at_most: float | str | None = None
    champion: float | None = None
    slice: str | None = None
    disparity: str | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        named = f"The gate on {self.metric}"
        if self.champion is not None:
            if not _is_number(self.champion) or self.champion < 0:
                raise ConfigError(
                    f"{named} allows {self.champion!r} less than the champion has: give a number "
                    "of at least 0."
                )
            if bounds or self.disparity is not None:
                raise ConfigError(f"{named} has champion and another bound. Make two gates of it.")
            if self.metric in _PLAIN:
                raise ConfigError(f"{named} takes at_least or at_most, not champion.")
            return
        if not bounds:
            raise ConfigError(f"{named} needs at_least or at_most, or champion.")
        is_plain = self.metric in _PLAIN
        for bound in bounds:
            if not _is_number(bound) and (is_plain or bound not in BASELINES):
                raise ConfigError(
                    f"A bound of the gate on {self.metric} is {bound!r}: give a number"
                    + ("." if is_plain else f", or {' or '.join(BASELINES)}.")
                )
        if is_plain and (self.slice or self.disparity):
            raise ConfigError(f"{named} cannot be cut by a column: leave out slice and disparity.")
        if self.disparity is not None and (
            self.slice is not None or self.at_least is not None or not _is_number(self.at_most)
        ):
            raise ConfigError(f"{named} has disparity, which takes a number as at_most alone.")


def _is_number(bound: object) -> bool:
    return isinstance(bound, (int, float)) and not isinstance(bound, bool) and isfinite(bound)


def check_gates(
    gates: Sequence[Gate], task: str, metrics: Sequence[str], slices: Sequence[str]
) -> None:
    """Raise a ConfigError for a gate that can never be judged, before long work starts."""
    valid = [*METRICS[task], *_PLAIN]
    for gate in gates:
        if gate.metric not in valid:
            raise ConfigError(
                f"A gate names the metric {gate.metric}, which does not fit a {task} target. "
                f"{nearest(gate.metric, valid)}"
            )
        if gate.metric not in (*metrics, *_PLAIN):
            raise ConfigError(
                f"A gate names the metric {gate.metric}, which evaluation.metrics leaves out: "
                f"it has {listed(metrics)}."
            )
        for column in (gate.slice, gate.disparity):
            if column is not None and column not in slices:
                raise ConfigError(
                    f"A gate names slices by {column}, but evaluation.slices has "
                    f"{listed(slices) or 'none'}. Add it there."
                )
