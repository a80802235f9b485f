"""Say what the figures of a page mean, and from where on they are findings."""

from mlkit.core.table import Table
from mlkit.monitoring.findings import Monitoring
from mlkit.monitoring.report.verdict import share, short_figure
from mlkit.training.settings import MonitoringConfig

_NO_LIMIT = "never"


def term_table(found: Monitoring, settings: MonitoringConfig | None) -> Table:
    """Return each figure with its meaning; with its limits where the settings are known."""
    level = share(found.level)
    terms = (
        (
            "PSI",
            "psi",
            "The population stability index: the sum, over the bins of a column, of (now less "
            "reference) times ln(now / reference). It says how large a change is: 0 is none.",
        ),
        (
            "adjusted p",
            "",
            "How likely a change as large would come by chance, corrected for all tests of a "
            f"window (Holm). A change counts up to {level}: in so many of the windows "
            "without any change, chance finds one. It says that a change is real, not how large.",
        ),
        (
            "test",
            "",
            "ks: Kolmogorov and Smirnov's, of numbers. chi2: Pearson's, of categories.",
        ),
        ("missing", "missing", "The share of missing values; the limit is of its change."),
        (
            "unseen",
            "unseen",
            "The share of values outside the range of the reference, or not among its categories. "
            "It counts where it is more than values that are alone in the reference let expect.",
        ),
        (
            "AUC",
            "auc",
            "How well a classifier tells the window's rows from the reference's, on rows that it "
            "was not fitted on. 0.5 is chance; 1 means that they have nothing in common.",
        ),
        (
            "value",
            "quality",
            "A metric on the rows whose answers are known, with its bootstrap interval; the limit "
            "is of the loss, as a share of what was expected.",
        ),
        (
            "estimate",
            "quality",
            "What the metric would be if the model's probabilities or errors were as they were on "
            "the holdout: known before answers are, and blind to what changes between the columns "
            "and the answer.",
        ),
        ("expected", "", "What the metric was on the holdout when the model was packed."),
        ("violating", "violations", "Rows that break the schema, as a share of all."),
        ("latency", "latency_ms", "In ms, of 99 of 100 requests."),
        (
            "age",
            "age_days",
            "Days from the newest row that the model was trained on to the window's end.",
        ),
    )
    if settings is None:
        rows = tuple((term, text) for term, _, text in terms)
        return Table(head=("term", "what it means"), rows=rows, n_texts=2)
    return Table(
        head=("term", "warning above", "alarm above", "what it means"),
        rows=tuple(
            (term, _limit(settings, "warning", key), _limit(settings, "alarm", key), text)
            for term, key, text in terms
        ),
        n_texts=4,
    )


def _limit(settings: MonitoringConfig, severity: str, key: str) -> str:
    if not key:
        return ""
    value = getattr(getattr(settings, severity), key)
    if value is None:
        return _NO_LIMIT
    return (
        share(value)
        if key in ("unseen", "missing", "quality", "violations")
        else short_figure(value)
    )
