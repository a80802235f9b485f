"""Gather what a card or a report says of a model beside what it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

from mlkit.core.bundle import Manifest
from mlkit.core.column import Column
from mlkit.core.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a model is, where that is known.

    Attributes
    ----------
    name, description
        The model's.
    predicts
        Its task and its target, in words.
    runs
        How it runs, and why.
    columns
        What it takes.
    parts
        What it consists of, in the order of the pipeline: names, and in words which.
    lineage
        What made it, by names.
    """

    name: str = "Model"
    description: str = ""
    predicts: str = ""
    runs: str = ""
    columns: tuple[Column, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    lineage: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, manifest: Manifest, schema: type[Schema]) -> "Facts":
        """Return what a manifest and a schema tell."""
        lineage = manifest.lineage
        parts = _at(lineage, "pipeline")
        return cls(
            name=manifest.name,
            description=_text(lineage, "config", "description"),
            predicts=_predicts(manifest),
            runs=manifest.runs(),
            columns=tuple(column for column in schema.columns.values() if column.known_before),
            parts=tuple((str(name), str(which)) for name, which in parts.items())
            if isinstance(parts, Mapping)
            else (),
            lineage=tuple((name, value) for name, value in _lineage(manifest) if value),
        )


def parts_of(pipeline: Pipeline) -> dict[str, str]:
    """Return what a fitted pipeline consists of, as a manifest's lineage keeps it."""
    parts = {name: type(step).__name__ for name, step in pipeline.named_steps.items()}
    if "selector" in parts:
        kept = pipeline.named_steps["selector"].get_support()
        parts["selector"] += f", which kept {kept.sum():,} of {len(kept):,} encoded columns"
    if isinstance(estimator := pipeline[-1], CalibratedClassifierCV):
        calibrated = estimator.calibrated_classifiers_[0]
        parts["estimator"] = type(calibrated.estimator).__name__
        parts["calibrator"] = calibrated.method
    return parts


def _predicts(manifest: Manifest) -> str:
    edges = manifest.target.get("edges") or ()
    cut = f", cut at {', '.join(f'{edge:g}' for edge in edges)}" if edges else ""
    estimator = _text(manifest.lineage, "pipeline", "estimator")
    by = f", by {estimator}" if estimator else ""
    return f"{manifest.task} model of {manifest.target.get('column', 'a target')}{cut}{by}"


def _lineage(manifest: Manifest) -> list[tuple[str, str]]:
    lineage = manifest.lineage
    libraries = _at(lineage, "libraries")
    return [
        ("bundle", manifest.digest),
        ("commit", _commit(lineage)),
        ("seed", _text(lineage, "seed")),
        ("rows of data", _text(lineage, "data", "n_rows")),
        ("fingerprint of the data", _text(lineage, "data", "fingerprint")),
        ("Python", _text(lineage, "python")),
        ("mlkit", manifest.mlkit),
        (
            "libraries",
            ", ".join(f"{name} {version}" for name, version in libraries.items())
            if isinstance(libraries, Mapping)
            else "",
        ),
    ]


def _commit(lineage: Mapping[str, Any]) -> str:
    commit = _text(lineage, "code", "commit")
    if not commit:
        return "not in git" if _at(lineage, "code") else ""
    is_dirty = _at(lineage, "code", "dirty") is True
    return f"{commit}, with changes that are in no commit" if is_dirty else commit


def _at(form: Any, *keys: str) -> Any:
    """Return what lies at a path, or None: whoever wrote a bundle chose what it holds."""
    for key in keys:
        form = form.get(key) if isinstance(form, Mapping) else None
    return form


def _text(form: Any, *keys: str) -> str:
    found = _at(form, *keys)
    return "" if found is None else str(found)
