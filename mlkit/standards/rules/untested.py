"""MLK92: what the project's own tests must reach."""

import ast
from collections.abc import Iterator
from pathlib import Path

from mlkit.core.errors import DataError
from mlkit.standards.project import Project
from mlkit.standards.rule import FileHit, ProjectRule
from mlkit.standards.source import Source, read_source

_FEATURIZERS = ("mlkit.Featurizer", "mlkit.training.features.Featurizer")


def _untested(project: Project) -> Iterator[FileHit]:
    found = list(_featurizers(project))
    tested = _tested(project) if found else frozenset()
    for path, node in found:
        if node.name not in tested:
            yield path, node.lineno, f"no test in tests/ names {node.name}"


def _featurizers(project: Project) -> Iterator[tuple[Path, ast.ClassDef]]:
    for name, path in project.files.items():
        is_module = name.startswith("src/") and path.suffix == ".py"
        if not (is_module and b"Featurizer" in path.read_bytes()):
            continue
        try:
            source = read_source(path)
        except DataError:
            continue
        for node in source.nodes(ast.ClassDef):
            if any(source.name(base) in _FEATURIZERS for base in node.bases):
                yield path, node


def _tested(project: Project) -> frozenset[str]:
    """Return every name that a project's tests use."""
    names: set[str] = set()
    for path in sorted((project.folder / "tests").rglob("*.py")):
        try:
            names.update(_names(read_source(path)))
        except DataError:
            continue
    return frozenset(names)


def _names(source: Source) -> Iterator[str]:
    yield from (node.id for node in source.nodes(ast.Name))
    yield from (node.attr for node in source.nodes(ast.Attribute))
    yield from (node.name for node in source.nodes(ast.alias))


RULES = (
    ProjectRule(
        code="MLK921",
        name="a Featurizer without a test",
        severity="error",
        reason="A Featurizer that gives one row other features than the same row among many "
        "scores wrong, and says nothing.",
        fix="Call check_featurizer on it in tests/: it tries rows alone, in other orders, with "
        "values missing.",
        bad="""
==> src/flights/features.py <==
from mlkit import Featurizer


class Routes(Featurizer):
    def transform(self, frame):
        return frame[["origin", "dest"]]
""",
        good="""
==> src/flights/features.py <==
from mlkit import Featurizer


class Routes(Featurizer):
    def transform(self, frame):
        return frame[["origin", "dest"]]
==> tests/test_features.py <==
from flights.features import Routes
from mlkit.testing import check_featurizer


def test_routes_keep_their_contract(frame):
    check_featurizer(Routes(), frame)
""",
        hits=_untested,
    ),
)
