"""The model card: what a model is, how good it is, how it runs and what it takes."""

from typing import Any

from mlkit.core.bundle import Manifest
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.trainer import TrainedModel


def card(
    model: TrainedModel, evaluation: Evaluation, manifest: Manifest, *, description: str
) -> str:
    """Return the model card in Markdown."""
    schema, target = model.schema, model.target
    known = [column for column in schema.columns.values() if column.known_before]
    lines = [f"# {manifest.name}", ""]
    if description:
        lines += [description, ""]
    lines += [
        f"A {target.task} model: {type(model.pipeline[-1]).__name__} on {_target_words(target)}.",
        "",
        "## How good it is",
        "",
        evaluation.summary(),
        "",
        "## How it runs",
        "",
        manifest.runs(),
        "",
        "## What it takes",
        "",
        "| field | type | may be missing | unit | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(column.name)} | {column.kind} | {'yes' if column.nullable else 'no'} "
        f"| {_cell(column.unit)} | {_cell(column.description)} |"
        for column in known
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str | None) -> str:
    """Return text as one cell of a table, whatever it holds."""
    return " ".join((text or "").split()).replace("|", "\\|")


def _target_words(target: Any) -> str:
    if not target.edges:
        return f"`{target.column}`"
    return f"`{target.column}` cut at {', '.join(f'{edge:g}' for edge in target.edges)}"
