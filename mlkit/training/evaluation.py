"""What was found of a model: its metrics on all rows and on parts of them, and its gates."""

from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric on one set of rows, with its bootstrap interval and the naive baseline's value."""

    metric: str
    value: float
    low: float
    high: float
    baseline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was found on some of the rows, such as those with `origin=JFK`."""

    name: str
    column: str
    n_rows: int
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a gate on some rows.

    Attributes
    ----------
    what
        The figure, in words.
    figure, bound
        What it is, and what it may be; NaN where it is undefined.
    is_floor
        Whether it must be at least the bound, else at most.
    """

    what: str
    figure: float
    bound: float
    is_floor: bool

    @property
    def passed(self) -> bool:
        """Whether the figure is within its bound; an undefined one is not."""
        return self.figure >= self.bound if self.is_floor else self.figure <= self.bound

    def __str__(self) -> str:
        word = "at least" if self.is_floor else "at most"
        mark = "passed" if self.passed else "failed"
        return f"{self.what} is {self.figure:.4f}, {word} {self.bound:.4f}: {mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found on which rows.

    Attributes
    ----------
    scores
        One for each metric.
    slices
        The same of parts of the rows.
    gates
        What became of each.
    drawn
        What the bootstrap drew: rows, or whole days or groups of them.
    level
        Coverage of the intervals, such as 0.95.
    n_rows
        Rows that were judged.
    n_unlabelled
        Rows left out because their target is missing.
    n_seen
        Rows left out because the model was trained on them.
    holdout
        How the rows were chosen, in words.
    """

    scores: tuple[Score, ...]
    slices: tuple[Part, ...] = ()
    gates: tuple[Verdict, ...] = ()
    drawn: str = "rows"
    level: float
    n_rows: int
    n_unlabelled: int
    n_seen: int
    holdout: str

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
        form: dict[str, Any] = msgspec.json.decode(text)
        for part in (form, *form.get("slices", ())):
            for score in part["scores"]:
                _restore(score)
        for verdict in form.get("gates", ()):
            _restore(verdict)
        return msgspec.convert(form, cls)

    def table(self) -> str:
        """Return the scores as a Markdown table."""
        interval = f"{self.level:.0%} interval"
        lines = [f"| metric | value | {interval} | naive baseline |", "|---|---|---|---|"]
        lines += [
            f"| {score.metric} | {score.value:.4f} | {score.low:.4f} to {score.high:.4f} "
            f"| {score.baseline:.4f} |"
            for score in self.scores
        ]
        return "\n".join(lines)

    def slice_table(self) -> str:
        """Return the slices' scores as a Markdown table, without intervals."""
        names = [score.metric for score in self.scores]
        lines = [f"| slice | rows | {' | '.join(names)} |", "|---|--:|" + "--:|" * len(names)]
        lines += [
            f"| {part.name} | {part.n_rows:,} | "
            + " | ".join(f"{score.value:.4f}" for score in part.scores)
            + " |"
            for part in self.slices
        ]
        return "\n".join(lines)

    def summary(self) -> str:
        """Return what was judged, and the table."""
        left_out = [
            f"{count:,} {why}"
            for count, why in (
                (self.n_unlabelled, "without a target"),
                (self.n_seen, "that the model was trained on"),
            )
            if count
        ]
        text = f"Judged on {self.n_rows:,} rows ({self.holdout})"
        text += f"; left out {' and '.join(left_out)}." if left_out else "."
        tables = [self.table(), *([self.slice_table()] if self.slices else [])]
        return "\n\n".join([text, *tables, *([self.verdict()] if self.gates else [])])

    def verdict(self) -> str:
        """Return one sentence on the gates, and each that failed."""
        failed = [verdict for verdict in self.gates if not verdict.passed]
        if not failed:
            return f"All {len(self.gates)} gates passed."
        lines = [f"{len(failed)} of {len(self.gates)} gates failed:"]
        return "\n".join([*lines, *(f"- {verdict}" for verdict in failed)])


def _restore(form: dict[str, Any]) -> None:
    """Put NaN where JSON has null."""
    form.update({key: np.nan for key, value in form.items() if value is None})
