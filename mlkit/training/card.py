"""The model card: what a model is, how good it is, how it runs and what it takes."""

from collections.abc import Iterator
from dataclasses import replace

from mlkit.core.bundle import Manifest
from mlkit.core.table import escaped
from mlkit.training.facts import Facts
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.tables import (
    column_table,
    comparison_table,
    contribution_table,
    gate_table,
    leak_table,
    part_table,
    score_table,
    slice_table,
)
from mlkit.training.model import TrainedModel

#: Features that the card names, those that are worth the most.
_MOST_FEATURES = 10


def card(
    model: TrainedModel, evaluation: Evaluation, manifest: Manifest, *, description: str
) -> str:
    """Return the model card in Markdown."""
    facts = replace(Facts.of(manifest, model.schema), description=description)
    return "\n\n".join(_blocks(facts, evaluation)) + "\n"


def _blocks(facts: Facts, evaluation: Evaluation) -> Iterator[str]:
    yield f"# {escaped(facts.name)}"
    if facts.description:
        yield escaped(facts.description)
    yield f"A {escaped(facts.predicts)}. {evaluation.verdict()}"
    yield "## How good it is"
    yield escaped(evaluation.judged_on())
    yield score_table(evaluation.scores, evaluation.level).markdown()
    yield from map(escaped, evaluation.notes())
    if evaluation.gates:
        yield gate_table(evaluation.gates).markdown()
    if evaluation.comparison:
        yield f"### Beside {escaped(evaluation.comparison.champion)}"
        yield comparison_table(evaluation.comparison, evaluation.level).markdown()
    if slices := (*evaluation.slices, *evaluation.worst):
        yield "### On slices of the rows"
        yield slice_table(evaluation.scores, evaluation.n_rows, slices).markdown()
    if evaluation.contributions:
        yield "### What its features are worth"
        most = evaluation.contributions[:_MOST_FEATURES]
        yield contribution_table(most, evaluation.level).markdown()
    yield from _limits(evaluation)
    yield "## How it runs"
    yield escaped(facts.runs)
    yield "## What it consists of"
    yield part_table(facts.parts).markdown()
    yield "## What it takes"
    yield column_table(facts.columns).markdown()


def _limits(evaluation: Evaluation) -> Iterator[str]:
    yield "## Its limits"
    yield "The figures hold for rows like those that it was judged on, and for no others."
    if evaluation.leaks:
        yield leak_table(evaluation.leaks).markdown()
