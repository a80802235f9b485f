"""MLK92: what the project's own tests must reach."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlkit.core.errors import DataError
from mlkit.standards.project import Project
from mlkit.standards.rule import FileHit, ProjectRule
from mlkit.standards.rules.estimators import FEATURIZERS
from mlkit.standards.source import Source, read_source

_ABSTRACT = ("abc.ABC", "abc.abstractmethod")


def _untested(project: Project) -> Iterator[FileHit]:
    asked = {(project.folder / name).absolute(): path for name, path in project.files.items()}
    if not any(name.startswith("src/") for name in project.files):
        return
    src = project.folder / "src"
    sources = _sources(src, b"class ") if any(_holding(src, b"Featurizer")) else []
    found = [
        (asked[source.path.absolute()], node)
        for source, node in _featurizers(sources)
        if source.path.absolute() in asked and not _is_abstract(source, node)
    ]
    tested = _tested(project) if found else frozenset()
    for path, node in found:
        if node.name not in tested:
            yield path, node.lineno, f"no test in tests/ names {node.name}"


def _holding(folder: Path, word: bytes) -> Iterator[Path]:
    """Yield the modules below a folder that a word stands in."""
    for path in sorted(folder.rglob("*.py")):
        # A folder may be called so, and a link may lead nowhere.
        with suppress(OSError):
            if word in path.read_bytes():
                yield path


def _sources(folder: Path, word: bytes) -> list[Source]:
    """Return the modules below a folder that can be read and may hold what is looked for."""
    found = []
    for path in _holding(folder, word):
        with suppress(DataError):
            found.append(read_source(path))
    return found


def _featurizers(sources: Sequence[Source]) -> list[tuple[Source, ast.ClassDef]]:
    """Return the classes that are Featurizers, by way of each other, too."""
    left = [(source, node) for source in sources for node in source.nodes(ast.ClassDef)]
    found: list[tuple[Source, ast.ClassDef]] = []
    while True:
        names = {node.name for _, node in found}
        more = [
            (source, node)
            for source, node in left
            if any(source.name(base) in FEATURIZERS or _last(base) in names for base in node.bases)
        ]
        if not more:
            return found
        found += more
        left = [each for each in left if each not in more]


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_abstract(source: Source, node: ast.ClassDef) -> bool:
    """Whether a class is only there for others to be made of: these are tested."""
    return any(source.name(each) in _ABSTRACT for each in ast.walk(node))


def _tested(project: Project) -> frozenset[str]:
    """Return every name that a project's tests use."""
    sources = _sources(project.folder / "tests", b"")
    return frozenset(name for source in sources for name in _names(source))


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
