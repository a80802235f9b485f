"""What is found of a model, piece by piece: the contract between those who judge and who tell."""

from dataclasses import dataclass
from math import isnan, nan

#: What stands for a figure that there is none of.
NONE = "–"  # noqa: RUF001


def figure(value: float) -> str:
    """Return a count as it is, else four decimals, fewer where it is large, a dash for NaN."""
    if isinstance(value, int):
        return f"{value:,}"
    if isnan(value):
        return NONE
    return f"{value:z,.4f}" if abs(value) < 1000 else f"{value:,.1f}"


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
    slice
        The name of the slice; empty for all rows.
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
    slice: str
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
    """What may tell a model an answer that it will not have; a count of rows is a whole figure."""

    kind: str
    columns: tuple[str, ...]
    figure: int | float
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
class SliceScores:
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
        What it is, and what it may be; whole numbers where it counts, NaN where it is
        undefined.
    is_floor
        Whether it must be at least the bound, else at most.
    unjudged
        Why it could not be judged, such as that there is no champion yet; it
        stops nothing then. Empty where it was judged.
    """

    what: str
    figure: int | float
    bound: int | float
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
        shown = "undefined on these rows" if isnan(self.figure) else figure(self.figure)
        mark = "passed" if self.passed else "failed"
        return f"{self.what} is {shown}, {word} {figure(self.bound)}: {mark}"
