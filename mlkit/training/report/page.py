"""Write an evaluation as one HTML page that opens anywhere, without a network."""

from pathlib import Path

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, listed
from mlkit.training.facts import Facts
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import figure
from mlkit.training.judging.tables import between
from mlkit.training.report.parts import rendered, write_html
from mlkit.training.report.sections import sections

#: Metrics that the page opens with.
_SHOWN = 3
#: Columns that may leak and are named beside the verdict; the warnings have them all.
_SUSPECTS = 5


def render(evaluation: Evaluation, facts: Facts | None = None) -> str:
    """Return the page of an evaluation: the same bytes each time.

    Parameters
    ----------
    evaluation
        What was found.
    facts
        What the model is; what is not known is left out.
    """
    facts = facts or Facts()
    suspects = dict.fromkeys(column for leak in evaluation.leaks for column in leak.columns)
    return rendered(
        "mlkit.training.report",
        evaluation=evaluation,
        facts=facts,
        sections=list(sections(evaluation, facts)),
        outcome=("failed" if evaluation.failed() else "passed") if evaluation.gates else "ungated",
        first=evaluation.scores[:_SHOWN],
        suspects=listed(suspects, most=_SUSPECTS) if suspects else "",
        figure=figure,
        between=between,
    )


def write_report(evaluation: Evaluation, path: str | Path, *, bundle: Bundle | None = None) -> Path:
    """Write the page to a file, whose folder is made, and return its path.

    The bundle, if there is one, tells what the model is.
    """
    facts = None if bundle is None else Facts.of(bundle.manifest, bundle.schema)
    return write_html(render(evaluation, facts), path)


def read_evaluation(bundle: Bundle) -> Evaluation:
    """Return what a bundle's model was found to be worth when it was packed.

    Raises
    ------
    BundleError
        If this mlkit cannot read it.
    """
    try:
        return Evaluation.from_json(bundle.read(layout.EVALUATION))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(
            f"{bundle.path / layout.EVALUATION} is not readable: {error}. Judge the bundle "
            "again: mlkit evaluate BUNDLE --report FILE."
        ) from None
