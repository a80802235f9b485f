"""Write the bundle of a trained model, and see that it predicts what the model does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle, Manifest
from mlkit.core.column import Column
from mlkit.core.decision import THRESHOLD
from mlkit.core.errors import ConfigError, DataError, FeaturizerError
from mlkit.core.files import written_folder
from mlkit.core.log import get_logger, stage
from mlkit.core.version import __version__
from mlkit.scoring.prediction import GOLDEN_TOLERANCE, Predictor
from mlkit.training.evaluation import Evaluation
from mlkit.training.storage import save_pipeline
from mlkit.training.trainer import TrainedModel

log = get_logger(__name__)

N_GOLDEN = 32


def pack(
    model: TrainedModel,
    evaluation: Evaluation,
    frame: pd.DataFrame,
    path: str | Path,
    *,
    name: str,
    lineage: Mapping[str, Any] | None = None,
    description: str = "",
    trusted: Sequence[str] | None = None,
) -> Bundle:
    """Write `model` as a bundle; what lay at `path` stays until the new one is proven.

    Parameters
    ----------
    model
        What to pack.
    evaluation
        What it is worth.
    frame
        Raw rows that it has not seen; golden rows are taken from them, evenly
        over the scores. Values of pii columns are replaced first.
    path
        The bundle's folder.
    name
        The model's name.
    lineage
        What made it, as JSON-able values.
    description
        One sentence for the card.
    trusted
        Packages that its readers will trust; by default those that its own
        featurizer and estimators come from.

    Returns
    -------
    Bundle
        As it was read back.

    Raises
    ------
    FeaturizerError
        If a row scores otherwise alone than among others.
    BundleError
        If the pipeline cannot be stored, or the stored one predicts differently.
    ConfigError
        If `path` is there, and is no bundle.
    """
    path = Path(path)
    if path.exists() and any(path.iterdir()) and not (path / layout.MANIFEST).is_file():
        raise ConfigError(f"{path} is there, and is no bundle: it will not be replaced. Move it.")
    if trusted is None:
        homes = {type(s).__module__.split(".")[0] for s in model.pipeline.named_steps.values()}
        trusted = sorted(homes - {"sklearn", "mlkit"})
    with stage(log, "packing", path=str(path)), written_folder(path) as draft:
        (draft / layout.SCHEMA).write_text(model.schema.to_json(), encoding="utf-8")
        save_pipeline(model.pipeline, draft / layout.MODEL)
        (draft / layout.GOLDEN).write_text(_golden(model, frame), encoding="utf-8")
        (draft / layout.EVALUATION).write_text(evaluation.to_json(), encoding="utf-8")
        np.save(draft / layout.TRAINING_ROWS, model.training_rows, allow_pickle=False)
        card = _card(model, evaluation, name=name, description=description)
        (draft / layout.CARD).write_text(card, encoding="utf-8")
        layout.seal(
            draft,
            Manifest(
                format=layout.FORMAT,
                name=name,
                mlkit=__version__,
                runtime="python",
                task=model.target.task,
                classes=list(model.classes),
                threshold=THRESHOLD,
                target=asdict(model.target),
                prior=model.prior.tolist(),
                lineage=dict(lineage or {}),
                files={},
            ),
        )
        # Proven before it takes its place: the stored pipeline scores the golden rows.
        Predictor.load(draft, trusted=trusted)
    return Bundle.open(path)


def _golden(model: TrainedModel, frame: pd.DataFrame) -> str:
    rows = _redacted(model.schema.validate(frame, outcomes=False), model.schema.columns)
    if rows.empty:
        raise DataError("A bundle needs at least one row that the model has not seen.")
    scores = model.scores(rows)
    order = np.argsort(scores.reshape(len(scores), -1)[:, -1], kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, N_GOLDEN).astype(int))
    chosen = rows.iloc[order[places]]
    scores = model.scores(chosen)
    alone = np.concatenate([model.scores(chosen.iloc[[row]]) for row in range(len(chosen))])
    if not np.allclose(alone, scores, rtol=GOLDEN_TOLERANCE, atol=GOLDEN_TOLERANCE):
        raise FeaturizerError(
            "Rows score otherwise alone than together, so records would not get what tables get: "
            f"by up to {np.abs(alone - scores).max():.3g}. Features of a row must come from that "
            "row and from what fit learned; mlkit.testing.check_featurizer names the feature."
        )
    golden = {"records": _records(chosen), "scores": scores.tolist()}
    return json.dumps(golden, indent=1, ensure_ascii=False) + "\n"


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return validated rows as JSON records that parse to the same values."""
    columns = {
        name: [
            None if is_missing else value.isoformat() if hasattr(value, "isoformat") else value
            for value, is_missing in zip(rows[name].tolist(), rows[name].isna(), strict=True)
        ]
        for name in rows.columns
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _redacted(rows: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Replace personal data by constants that the schema allows and that tell nothing."""
    for column in columns.values():
        if column.pii and column.name in rows:
            values = rows[column.name]
            constant = pd.Series([_constant(column)] * len(rows), values.index, dtype=object)
            if column.tz:
                constant = pd.to_datetime(constant, utc=True).dt.tz_convert(column.tz)
            rows = rows.assign(**{column.name: constant.astype(values.dtype)})
    return rows


def _constant(column: Column) -> Any:
    if column.nullable:
        return None
    if column.allowed:
        return column.allowed[0]
    if column.kind in ("number", "integer"):
        low = column.bounds.get("ge", column.bounds.get("gt", -np.inf) + 1)
        high = column.bounds.get("le", column.bounds.get("lt", np.inf) - 1)
        return min(max(0, low), high)
    return {"string": "redacted", "boolean": False, "datetime": datetime(2000, 1, 1)}[column.kind]


def _card(model: TrainedModel, evaluation: Evaluation, *, name: str, description: str) -> str:
    schema, target = model.schema, model.target
    known = [column for column in schema.columns.values() if column.known_before]
    lines = [f"# {name}", ""]
    if description:
        lines += [description, ""]
    lines += [
        f"A {target.task} model: {type(model.pipeline[-1]).__name__} on {_target_words(target)}.",
        "",
        "## How good it is",
        "",
        evaluation.summary(),
        "",
        "## What it takes",
        "",
        "| field | type | may be missing | unit | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {column.name} | {column.kind} | {'yes' if column.nullable else 'no'} "
        f"| {column.unit or ''} | {column.description or ''} |"
        for column in known
    ]
    return "\n".join(lines) + "\n"


def _target_words(target: Any) -> str:
    if not target.edges:
        return f"`{target.column}`"
    return f"`{target.column}` cut at {', '.join(f'{edge:g}' for edge in target.edges)}"
