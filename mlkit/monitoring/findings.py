"""What is found of a model in use: the contract between those who look, tell and decide."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import Any, Literal, get_args

Severity = Literal["ok", "warning", "alarm"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
#: What a finding may be about: causes before effects.
Kind = Literal[
    "violations", "missing", "drift", "separation", "predictions", "quality", "estimate",
    "latency", "age",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


def worst(severities: Sequence[Severity]) -> Severity:
    """Return the gravest of some severities; `ok` of none."""
    return max(severities, key=SEVERITIES.index, default="ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A value, or an interval of them, with its share of the reference's rows and of the window's.

    Missing values are no part of the shares.
    """

    label: str
    reference: float
    current: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one thing is distributed in a window, beside the reference.

    Attributes
    ----------
    name
        A column, a view of one such as `departure (hour of day)`, or a score.
    column
        The column; empty for a score.
    test
        `ks` (Kolmogorov and Smirnov, of numbers) or `chi2` (of categories).
    statistic, p_value
        Of the test; NaN where there are too few rows for one.
    adjusted
        The p-value, corrected for all tests of the window (Holm).
    psi
        The population stability index, the effect's size.
    missing, missing_before
        The share of missing values, in the window and in the reference.
    missing_p, missing_adjusted
        Of Fisher's exact test of these two; NaN where there is none.
    unseen
        Share of the window's values that are beyond all of the reference, or none of its own.
    unseen_p, unseen_adjusted
        How likely so many would come by chance; NaN where there are none.
    n_rows
        Values that were compared.
    bins
        What `psi` is computed of.
    severity, missing_severity
        Of the drift (by its size, or by what is unseen), and of how much more or less is missing.
    """

    name: str
    column: str
    test: Literal["ks", "chi2"]
    statistic: float
    p_value: float
    adjusted: float = nan
    psi: float
    missing: float
    missing_before: float
    missing_p: float = nan
    missing_adjusted: float = nan
    unseen: float
    unseen_p: float = nan
    unseen_adjusted: float = nan
    n_rows: int
    bins: tuple[Bin, ...]
    severity: Severity = "ok"
    missing_severity: Severity = "ok"

    @property
    def gravest(self) -> Severity:
        """Return the graver of both severities."""
        return worst([self.severity, self.missing_severity])


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well a classifier tells the window's rows from the reference's, by all columns at once.

    Attributes
    ----------
    auc
        The area under its ROC curve, on rows that it was not fitted on: 0.5 is chance.
    p_value, adjusted
        One-sided, of Mann and Whitney's test; see `Drift.adjusted`.
    n_rows
        How many rows of both it was judged on.
    by
        The columns that tell them apart best, the best first.
    """

    auc: float
    p_value: float
    adjusted: float = nan
    n_rows: int
    by: tuple[str, ...] = ()
    severity: Severity = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One metric of a window's rows, or of a slice of them.

    Attributes
    ----------
    slice
        Such as `origin=JFK`; empty for all rows.
    value, low, high
        On the rows whose answers are known, with the bootstrap interval; NaN without any.
    estimate
        What it is by the model's own confidence, on all rows; NaN where there is no estimate.
    expected
        What it was on the holdout when the model was packed; NaN where that is not known.
    p_value, adjusted
        How likely a loss as large would come by chance, by both intervals; corrected for all
        slices of the window (Holm). NaN where that is not known.
    n_rows, n_labelled
        All rows, and those whose answers are known.
    severity, estimated_severity
        By the value, and by the estimate; an estimate of a slice is not rated.
    """

    metric: str
    slice: str
    value: float
    low: float
    high: float
    estimate: float
    expected: float
    p_value: float = nan
    adjusted: float = nan
    n_rows: int
    n_labelled: int
    severity: Severity = "ok"
    estimated_severity: Severity = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    kind
        What it is about.
    severity
        How grave it is.
    window
        When, as `Window.name`.
    what
        The column, metric or slice; empty where it is about all.
    text
        One sentence, with its figures.
    """

    kind: Kind
    severity: Severity
    window: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was found in one span of time.

    Attributes
    ----------
    name
        Such as `2013-04`, `2013-04-08` or `2013-04-08T13`.
    start, end
        Of the span, as ISO 8601 in UTC; the end is not in it.
    n_rows
        Records that were predicted, or are in the table.
    is_tested
        Whether there are rows enough to test.
    n_violating
        Rows that break the schema: without a score; what they break is compared with nothing.
    violations
        What they break, a sentence each, at most ten.
    drifts
        Of the columns, the worst first.
    predictions
        Of the scores: one, or one of each class.
    separation
        None where it was not tested.
    quality
        One for each metric, then one of the first metric for each slice.
    latency
        How long a request took, in ms: the median, and what 99 of 100 stay below; empty
        where that is not known.
    age_days
        From the newest row that the model was trained on to the window's end; NaN without
        times.
    findings
        What is not as it should be, the gravest first.
    """

    name: str
    start: str
    end: str
    n_rows: int
    is_tested: bool
    n_violating: int = 0
    violations: tuple[str, ...] = ()
    drifts: tuple[Drift, ...] = ()
    predictions: tuple[Drift, ...] = ()
    separation: Separation | None = None
    quality: tuple[Quality, ...] = ()
    latency: tuple[float, ...] = ()
    age_days: float = nan
    findings: tuple[Finding, ...] = ()

    @property
    def severity(self) -> Severity:
        """Return the gravest of its findings."""
        return worst([found.severity for found in self.findings])


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What was found of one bundle in use.

    Attributes
    ----------
    model
        Its name and digest.
    source
        What was read, in words.
    level
        The share of windows in which chance alone may look like drift.
    metric
        The first metric, which the verdict on quality is by.
    windows
        By time.
    findings
        What counts now: of the newest window that was tested, and on quality of the newest
        in which answers are known; the gravest first.
    estimate_error
        By metric, how far estimates lie from what came out, on average over the windows in
        which most answers are known.
    """

    model: str
    source: str
    level: float
    metric: str
    windows: tuple[Window, ...]
    findings: tuple[Finding, ...] = ()
    estimate_error: dict[str, float]

    @property
    def severity(self) -> Severity:
        """Return the gravest of what counts now."""
        return worst([found.severity for found in self.findings])

    def of_kind(self, *kinds: Kind) -> Iterator[Finding]:
        """Yield what counts now of some kinds."""
        return (found for found in self.findings if found.kind in kinds)

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON, in which NaN is null (as msgspec writes it)."""
        windows = [{**asdict(each), "severity": each.severity} for each in self.windows]
        return {**asdict(self), "windows": windows, "severity": self.severity}


def newest_tested(windows: Sequence[Window]) -> Window | None:
    """Return the newest window that has rows enough to test; None if there is none."""
    return next((window for window in reversed(windows) if window.is_tested), None)


def newest_labelled(windows: Sequence[Window]) -> Window | None:
    """Return the newest tested window with answers enough for an interval; None without any."""
    for window in reversed(windows):
        if window.is_tested and window.quality and not isnan(window.quality[0].low):
            return window
    return None
