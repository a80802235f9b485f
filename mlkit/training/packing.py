"""Write the bundle of a trained model, and see that it predicts what the model does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from logging import DEBUG
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle, Manifest
from mlkit.core.errors import ConfigError
from mlkit.core.files import written_folder
from mlkit.core.log import get_logger, stage
from mlkit.core.rows import read_table
from mlkit.core.version import __version__
from mlkit.scoring.prediction import Predictor
from mlkit.training.card import card
from mlkit.training.compilation.parity import try_compile
from mlkit.training.facts import parts_of
from mlkit.training.golden import golden_rows
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.libraries import versions
from mlkit.training.model import TrainedModel
from mlkit.training.profile import profile
from mlkit.training.reference import reference_rows
from mlkit.training.runtime import PythonRuntime, open_runtime
from mlkit.training.storage import check_types, save_pipeline

log = get_logger(__name__)


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
    reference: pd.DataFrame | None = None,
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
        What made it, as JSON-able values; the libraries are added.
    description
        One sentence for the card.
    trusted
        Packages that its readers will trust; by default those that its own
        featurizer and estimators come from.
    reference
        The raw rows that it has seen, for the profile and the sample that drift is
        measured against; by default those of `frame`.

    Returns
    -------
    Bundle
        As it was read back.

    Raises
    ------
    FeaturizerError
        If a row scores otherwise alone than among others, or a feature depends
        on the clock or on chance.
    BundleError
        If the pipeline cannot be stored, or the stored one predicts differently.
    ConfigError
        If `path` is there, and is no bundle.
    """
    path = Path(path)
    if path.exists() and not _is_replaced(path):
        raise ConfigError(f"{path} is there, and is no bundle: it will not be replaced. Move it.")
    if trusted is None:
        homes = {type(s).__module__.split(".")[0] for s in model.pipeline.named_steps.values()}
        trusted = sorted(homes - {"sklearn", "mlkit"})
    rows = read_table(model.schema, frame)
    seen = rows if reference is None else read_table(model.schema, reference)
    with stage(log, "packing", path=str(path)), written_folder(path) as draft:
        # First what takes seconds to refuse, then what takes a minute.
        save_pipeline(model.pipeline, draft / layout.MODEL)
        save_pipeline(model.simple, draft / layout.SIMPLE)
        check_types((draft / layout.MODEL).read_bytes(), trusted, draft / layout.MODEL)
        scores = PythonRuntime(model).scores(rows)
        golden = golden_rows(model, rows, scores)
        with stage(log, "compiling", level=DEBUG):
            outcome = try_compile(model, rows)
        manifest = Manifest(
            format=layout.FORMAT,
            name=name,
            mlkit=__version__,
            runtime="python" if outcome.graph is None else "onnx",
            reason=outcome.reason,
            inputs=outcome.inputs,
            parity=outcome.parity,
            task=model.target.task,
            classes=list(model.classes),
            threshold=model.threshold,
            target=asdict(model.target),
            prior=model.prior.tolist(),
            lineage={
                **(lineage or {}),
                "pipeline": parts_of(model.pipeline),
                "rows": {
                    "trained_on": len(model.training_rows),
                    "tuned_on": len(model.tuning_rows),
                },
                "libraries": versions(model.pipeline, is_compiled=outcome.graph is not None),
            },
            files={},
        )
        texts = {
            layout.SCHEMA: model.schema.to_json(),
            layout.GOLDEN: golden,
            layout.EVALUATION: evaluation.to_json(),
            layout.PROFILE: _json(profile(model.schema, seen, scores)),
            layout.CARD: card(model, evaluation, manifest, description=description),
        }
        for file, text in texts.items():
            (draft / file).write_text(text, encoding="utf-8")
        for file, prints in (
            (layout.TRAINING_ROWS, model.training_rows),
            (layout.TUNING_ROWS, model.tuning_rows),
        ):
            np.save(draft / file, prints, allow_pickle=False)
        sample = reference_rows(model, seen, rows, scores, _codes(model, frame))
        pq.write_table(sample, draft / layout.REFERENCE, compression="zstd")
        if outcome.graph is not None:
            (draft / layout.GRAPH).write_bytes(outcome.graph)
        layout.seal(draft, manifest)
        _prove(draft, trusted)
    return Bundle.open(path)


def _codes(model: TrainedModel, frame: pd.DataFrame) -> np.ndarray:
    """Return the answers of rows as numbers (n_rows,); NaN where there is none that is known."""
    if model.target.column not in frame:
        return np.full(len(frame), np.nan)
    return model.target.known_codes(model.target.values(frame), model.classes)


def _is_replaced(path: Path) -> bool:
    """Whether what lies there is a bundle, or an empty folder."""
    return (path / layout.MANIFEST).is_file() or (path.is_dir() and not any(path.iterdir()))


def _prove(draft: Path, trusted: Sequence[str]) -> None:
    """See that what was stored, graph and pipeline, scores the golden rows as it did."""
    bundle = Bundle.open(draft)
    Predictor(bundle, open_runtime(bundle, trusted)).check_golden()
    if bundle.manifest.runtime != "python":
        Predictor.load(draft)


def _json(values: Any) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
