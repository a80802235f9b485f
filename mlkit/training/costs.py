"""Choose the probability from which on a decision costs least."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from mlkit.core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What wrong decisions cost, in any one unit; right ones cost nothing.

    Attributes
    ----------
    false_positive
        Of choosing the positive class where it was not.
    false_negative
        Of not choosing it where it was.

    Raises
    ------
    ConfigError
        If a cost is not a number above 0.
    """

    false_positive: float
    false_negative: float

    def __post_init__(self) -> None:
        for name in ("false_positive", "false_negative"):
            cost = getattr(self, name)
            if not isfinite(cost) or cost <= 0:
                raise ConfigError(f"costs.{name} must be above 0, got {cost}.")

    @property
    def optimum(self) -> float:
        """The best threshold of probabilities that are calibrated.

        After Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, equation 2.
        """
        return self.false_positive / (self.false_positive + self.false_negative)

    def threshold(self, codes: np.ndarray, scores: np.ndarray) -> float:
        """Return the threshold at which rows like these cost least.

        It lies midway between two scores; of several that cost the same, it is
        the one nearest to the optimum of calibrated probabilities.

        Parameters
        ----------
        codes
            1 for positive rows, else 0 (n_rows,).
        scores
            Their probabilities (n_rows,), of a model that has not seen them.
        """
        levels, places = np.unique(scores, return_inverse=True)
        positives = np.bincount(places, codes, minlength=len(levels))
        negatives = np.bincount(places, minlength=len(levels)) - positives
        missed = np.r_[0, np.cumsum(positives)]
        false_alarms = negatives.sum() - np.r_[0, np.cumsum(negatives)]
        costs = self.false_negative * missed + self.false_positive * false_alarms
        candidates = (np.r_[0.0, levels] + np.r_[levels, 1.0]) / 2
        # Above a score of 1 lies no probability, but a threshold may.
        candidates[-1] = max(candidates[-1], np.nextafter(levels[-1], 2))
        best = candidates[np.isclose(costs, costs.min(), rtol=1e-12, atol=0)]
        return float(best[np.argmin(np.abs(best - self.optimum))])
