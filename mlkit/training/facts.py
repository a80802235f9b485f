"""Gather what a card or a report says of a model beside what it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    lineage
        What made it, by names.
    """

    name: str = "Model"
    description: str = ""
    predicts: str = ""
    runs: str = ""
    columns: tuple[Column, ...] = ()
    lineage: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, manifest: Manifest, schema: type[Schema], *, estimator: str = "") -> "Facts":
        """Return what a manifest and a schema tell; the settings may name the estimator."""
        lineage = manifest.lineage
        estimator = estimator or _text(lineage, "config", "model", "estimator", "_target_")
        return cls(
            name=manifest.name,
            description=_text(lineage, "config", "description"),
            predicts=_predicts(manifest, estimator),
            runs=manifest.runs(),
            columns=tuple(column for column in schema.columns.values() if column.known_before),
            lineage=tuple((name, value) for name, value in _lineage(manifest) if value),
        )


def _predicts(manifest: Manifest, estimator: str) -> str:
    edges = manifest.target.get("edges") or ()
    cut = f", cut at {', '.join(f'{edge:g}' for edge in edges)}" if edges else ""
    by = f", by {estimator.rpartition('.')[2]}" if estimator else ""
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
