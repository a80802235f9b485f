"""What was found of a model: its metrics on all rows and on parts of them, and its gates."""

from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import Any

import msgspec

from mlkit.core.decision import THRESHOLD
from mlkit.core.errors import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric on one set of rows.

    Attributes
    ----------
    value, low, high
        The model's, with its bootstrap interval.
    baseline
        What a guess without features has on the same rows.
    simple
        What a linear model of the schema's own columns has.
    """

    metric: str
    value: float
    low: float
    high: float
    baseline: float
    simple: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """How much worse a metric gets when one feature's values are shuffled over the rows.

    Attributes
    ----------
    loss
        How much worse, in the metric's units; below 0 the model would do better without.
    low, high
        The interval of the loss.
    """

    feature: str
    metric: str
    loss: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        """Whether the model is worse without, beyond what chance explains."""
        return self.low > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One metric of the model beside the champion's, on the same rows.

    Attributes
    ----------
    part
        The slice's name; empty for all rows.
    value, champion
        The metric of each.
    gain
        How much better the model is: above 0 it is the better one.
    low, high
        The paired bootstrap's interval of the gain.
    error, freedom
        Its standard error, and the degrees of freedom of Student's t that go with
        it; NaN and 0 where nothing was drawn.
    """

    metric: str
    part: str
    n_rows: int
    value: float
    champion: float
    gain: float
    low: float
    high: float
    error: float = nan
    freedom: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The model beside the champion, by name and digest, on rows that neither has seen."""

    champion: str
    differences: tuple[Difference, ...]

    def table(self, level: float) -> str:
        """Return the differences as a Markdown table; a gain above 0 is the model's."""
        lines = [
            f"Against the champion {self.champion}, on the same rows:",
            "",
            f"| rows | metric | value | champion | gain | {level:.0%} interval |",
            "|---|---|--:|--:|--:|---|",
        ]
        lines += [
            f"| {found.part or 'all'} | {found.metric} | {found.value:.4f} | {found.champion:.4f} "
            f"| {found.gain:+.4f} | {found.low:+.4f} to {found.high:+.4f} |"
            for found in self.differences
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of one line of a plot, and how many rows each stands for (empty: not told)."""

    kind: str
    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    n_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """What may tell a model an answer that it will not have."""

    kind: str
    columns: tuple[str, ...]
    figure: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattery:
    """What a random split would have promised, beside what the split promises (see `flattery`).

    Attributes
    ----------
    at_random, as_split
        The metric of the same model, fitted on as many rows, by each split.
    n_rows
        Rows that it was fitted on each time.
    """

    metric: str
    at_random: float
    as_split: float
    n_rows: int


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
    unjudged
        Why it could not be judged, such as that there is no champion yet; it
        stops nothing then. Empty where it was judged.
    """

    what: str
    figure: float
    bound: float
    is_floor: bool
    unjudged: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure is within its bound; an undefined one is not."""
        if self.unjudged:
            return True
        return self.figure >= self.bound if self.is_floor else self.figure <= self.bound

    def __str__(self) -> str:
        if self.unjudged:
            return f"{self.what}: not judged, {self.unjudged}"
        word = "at least" if self.is_floor else "at most"
        figure = "undefined on these rows" if isnan(self.figure) else f"{self.figure:.4f}"
        mark = "passed" if self.passed else "failed"
        return f"{self.what} is {figure}, {word} {self.bound:.4f}: {mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found on which rows.

    Attributes
    ----------
    scores
        One for each metric.
    slices
        The same of parts of the rows that were asked for.
    worst
        The same of the parts where the model errs most, which a shallow tree found.
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
    slices: tuple[Part, ...] = ()
    worst: tuple[Part, ...] = ()
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

    def table(self) -> str:
        """Return the scores as a Markdown table."""
        interval = f"{self.level:.0%} interval"
        lines = [
            f"| metric | value | {interval} | naive baseline | simple model |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {score.metric} | {score.value:.4f} | {score.low:.4f} to {score.high:.4f} "
            f"| {score.baseline:.4f} | {score.simple:.4f} |"
            for score in self.scores
        ]
        return "\n".join(lines)

    def contribution_table(self) -> str:
        """Return what each feature contributes as a Markdown table, the most first."""
        metric = self.contributions[0].metric if self.contributions else "metric"
        lines = [
            f"| feature | {metric} lost without | {self.level:.0%} interval | helps |",
            "|---|--:|---|---|",
        ]
        lines += [
            f"| {each.feature} | {each.loss:.4f} | {each.low:.4f} to {each.high:.4f} "
            f"| {'yes' if each.helps else 'not shown'} |"
            for each in self.contributions
        ]
        return "\n".join(lines)

    def useless(self) -> str:
        """Return one sentence that names the features that are not shown to help."""
        named = [each.feature for each in self.contributions if not each.helps]
        if not named:
            return f"All {len(self.contributions)} features help."
        return (
            f"Not shown to help ({len(named)} of {len(self.contributions)} features): "
            f"{listed(named, most=20)}."
        )

    def slice_table(self) -> str:
        """Return the slices' scores as a Markdown table, without intervals."""
        return self._part_table("slice", self.slices)

    def worst_table(self) -> str:
        """Return the scores of the parts where the model errs most, as a Markdown table."""
        return self._part_table("errs most where", self.worst)

    def _part_table(self, head: str, parts: tuple[Part, ...]) -> str:
        names = [score.metric for score in self.scores]
        lines = [f"| {head} | rows | {' | '.join(names)} |", "|---|--:|" + "--:|" * len(names)]
        lines += [
            f"| {part.name} | {part.n_rows:,} | "
            + " | ".join(f"{score.value:.4f}" for score in part.scores)
            + " |"
            for part in parts
        ]
        return "\n".join(lines)

    def summary(self) -> str:
        """Return what was judged, and the table."""
        left_out = [
            f"{count:,} {why}"
            for count, why in (
                (self.n_unlabelled, "without a target"),
                (self.n_seen, "that a model was trained or tuned on"),
            )
            if count
        ]
        text = f"Judged on {self.n_rows:,} rows ({self.holdout})"
        text += f"; left out {' and '.join(left_out)}." if left_out else "."
        tables = [
            self.table(),
            *([self.slice_table()] if self.slices else []),
            *([self.worst_table()] if self.worst else []),
            *([self.comparison.table(self.level)] if self.comparison else []),
            *([self.useless()] if self.contributions else []),
        ]
        parts = [text, *tables, self.warnings(), self.verdict() if self.gates else ""]
        return "\n\n".join(part for part in parts if part)

    def warnings(self) -> str:
        """Return a line for each leak, and one on what a random split would have promised."""
        lines = [f"Suspicious ({leak.kind}): {leak.message}" for leak in self.leaks]
        if (found := self.flattery) is not None:
            lines.append(
                f"On {found.n_rows:,} training rows, {found.metric} is {found.at_random:.3f} by "
                f"a random split, and {found.as_split:.3f} by a sound one."
            )
        return "\n".join(lines)

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return all(verdict.passed for verdict in self.gates)

    def verdict(self) -> str:
        """Return one sentence on the gates, and each that failed."""
        failed = [verdict for verdict in self.gates if not verdict.passed]
        unjudged = [verdict for verdict in self.gates if verdict.unjudged]
        first = f"{len(failed)} of {len(self.gates)} gates failed:"
        if not failed:
            judged = len(self.gates) - len(unjudged)
            first = f"All {len(self.gates)} gates passed."
            if unjudged:
                first = f"{judged} of {len(self.gates)} gates passed, the others were not judged:"
        return "\n".join([first, *(f"- {verdict}" for verdict in [*failed, *unjudged])])


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
