"""What was found of a model: its metrics on all rows and on slices of them, and its gates."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

import msgspec

from mlkit.core.decision import THRESHOLD
from mlkit.core.errors import listed
from mlkit.training.judging.findings import (
    Comparison,
    Contribution,
    Curve,
    Flattery,
    Leak,
    Score,
    SliceScores,
    Verdict,
)
from mlkit.training.judging.tables import comparison_table, flattered, score_table, slice_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found on which rows.

    Attributes
    ----------
    scores
        One for each metric.
    slices
        The same of the slices that were asked for.
    worst
        The same of the slices where the model errs most, which a shallow tree found.
    gates
        What became of each.
    contributions
        What each feature is worth to the model, the most first.
    comparison
        The model beside the champion, if there is one.
    curves
        The points of the report's plots.
    leaks
        What may tell an answer that the model will not have.
    flattery
        What a random split would have promised.
    threshold
        From this probability on, the positive class is chosen.
    drawn
        What the bootstrap drew: rows, or whole days or groups of them.
    level
        Coverage of the intervals, such as 0.95.
    n_rows
        Rows that were judged.
    n_unlabelled
        Rows left out because their target is missing.
    n_seen
        Rows left out because the model, or the champion, was trained or tuned on them.
    holdout
        How the rows were chosen, in words.
    rows_digest
        SHA-256 of the sorted fingerprints of the rows: two evaluations with the
        same one are of the same rows.
    """

    scores: tuple[Score, ...]
    slices: tuple[SliceScores, ...] = ()
    worst: tuple[SliceScores, ...] = ()
    gates: tuple[Verdict, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    comparison: Comparison | None = None
    curves: tuple[Curve, ...] = ()
    leaks: tuple[Leak, ...] = ()
    flattery: Flattery | None = None
    threshold: float = THRESHOLD
    drawn: str = "rows"
    level: float
    n_rows: int
    n_unlabelled: int
    n_seen: int
    holdout: str
    rows_digest: str = ""

    def __getitem__(self, metric: str) -> Score:
        for score in self.scores:
            if score.metric == metric:
                return score
        raise KeyError(metric)

    def to_json(self) -> str:
        """Write the evaluation as JSON, to be read back by `from_json`."""
        return msgspec.json.format(msgspec.json.encode(asdict(self)), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evaluation":
        """Read what `to_json` wrote; intervals that were not computed are NaN."""
        return msgspec.convert(_restored(msgspec.json.decode(text)), cls)

    def useless(self) -> str:
        """Return one sentence that names the features that are not shown to help."""
        named = [each.feature for each in self.contributions if not each.helps]
        if not named:
            return f"All {len(self.contributions)} features help."
        return (
            f"Not shown to help ({len(named)} of {len(self.contributions)} features): "
            f"{listed(named, most=20)}."
        )

    def judged_on(self) -> str:
        """Return which rows were judged and which were left out, in a sentence."""
        left_out = [
            f"{count:,} {why}"
            for count, why in (
                (self.n_unlabelled, "without a target"),
                (self.n_seen, "that a model was trained or tuned on"),
            )
            if count
        ]
        text = f"Judged on {self.n_rows:,} rows ({self.holdout})"
        return text + (f"; left out {' and '.join(left_out)}." if left_out else ".")

    def notes(self) -> Iterator[str]:
        """Yield what the figures were reached by, a sentence each; nothing to worry about."""
        if self.threshold != THRESHOLD:
            yield f"The positive class is chosen from a probability of {self.threshold:.3g} on."
        if self.flattery is not None:
            yield flattered(self.flattery)

    def summary(self) -> str:
        """Return what was judged, the tables, what to mind, and the verdict."""
        parts = [
            self.judged_on(),
            score_table(self.scores, self.level).plain(),
            *self.notes(),
        ]
        if self.slices:
            parts.append(slice_table(self.scores, self.n_rows, self.slices).plain())
        if self.worst:
            parts.append("It errs most where:")
            parts.append(slice_table(self.scores, self.n_rows, self.worst).plain())
        if self.comparison:
            parts.append(f"Beside the champion {self.comparison.champion}, on the same rows:")
            parts.append(comparison_table(self.comparison, self.level).plain())
        if self.contributions:
            parts.append(self.useless())
        parts += [f"Suspicious ({leak.kind}): {leak.message}" for leak in self.leaks]
        if self.gates:
            listed_gates = [f"- {gate}" for gate in (*self.failed(), *self.unjudged())]
            parts.append("\n".join([self.verdict(), *listed_gates]))
        return "\n\n".join(parts)

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return not self.failed()

    def failed(self) -> tuple[Verdict, ...]:
        """Return the gates that failed."""
        return tuple(gate for gate in self.gates if not gate.passed)

    def unjudged(self) -> tuple[Verdict, ...]:
        """Return the gates that could not be judged, each with its reason."""
        return tuple(gate for gate in self.gates if gate.unjudged)

    def verdict(self) -> str:
        """Return one sentence on the gates."""
        n_gates, n_failed, n_open = len(self.gates), len(self.failed()), len(self.unjudged())
        if not n_gates:
            return "No gates are set: nothing says whether this model may ship."
        if n_failed:
            return f"{n_failed} of {n_gates} gates failed: this model may not ship."
        if n_open:
            return (
                f"{n_gates - n_open} of {n_gates} gates passed; {n_open} could not be judged yet."
            )
        return f"All {n_gates} gates passed." if n_gates > 1 else "The gate passed."


#: What an evaluation may lack.
_OPTIONAL = ("comparison", "flattery")


def _restored(form: Any) -> Any:
    """Put NaN where JSON has null, but for what may be absent as a whole."""
    if isinstance(form, list):
        return [_restored(item) for item in form]
    if isinstance(form, dict):
        return {
            key: None if value is None and key in _OPTIONAL else _restored(value)
            for key, value in form.items()
        }
    return nan if form is None else form
