"""MLK5: estimators that can be cloned, and transform without learning."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import method, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

#: What mlkit's Featurizer is imported as.
FEATURIZERS = ("mlkit.Featurizer", "mlkit.training.features.Featurizer")
#: What clone makes anew from their arguments; a mixin alone is none.
_CLONED = ("sklearn.base.BaseEstimator", *FEATURIZERS)
_BASES = ("sklearn.base.", *FEATURIZERS)
_APPLYING = ("transform", "predict", "predict_proba", "decision_function")


def _estimators(source: Source, bases: tuple[str, ...]) -> Iterator[ast.ClassDef]:
    for node in source.nodes(ast.ClassDef):
        if any(source.name(base).startswith(bases) for base in node.bases):
            yield node


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    return (each for each in node.body if isinstance(each, ast.FunctionDef))


def _own(node: ast.AST | None) -> str:
    """Return the name of an attribute of self; empty for anything else."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return ""


def _set(function: ast.FunctionDef) -> Iterator[ast.Attribute]:
    """Yield the attributes of self that are set in a method."""
    for node in ast.walk(function):
        is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if is_set and _own(node):
            yield node  # type: ignore[misc]  # by the condition


def _inert(source: Source) -> Iterator[Hit]:
    for node in _estimators(source, _CLONED):
        for function in _methods(node):
            if function.name != "__init__":
                continue
            for attribute in _set(function):
                if attribute.attr.endswith("_") and not attribute.attr.startswith("__"):
                    yield attribute, f"{attribute.attr} is set before anything was learned"
            for statement in ast.walk(function):
                value = getattr(statement, "value", None)
                is_kept = isinstance(statement, ast.Assign) and _own(statement.targets[0])
                if is_kept and isinstance(value, ast.Call):
                    yield statement, f"{node.name}.__init__ works on what it is given"


def _learning(source: Source) -> Iterator[Hit]:
    for node in _estimators(source, _BASES):
        for function in _methods(node):
            if function.name not in _APPLYING:
                continue
            for attribute in _set(function):
                if attribute.attr.endswith("_"):
                    yield attribute, f"{function.name} sets {attribute.attr}: it learns"
            calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
            for call in calls:
                part = _own(receiver(call))
                if part and method(call) in ("fit", "fit_transform"):
                    yield call, f"{function.name} fits {part}"


RULES = (
    Rule(
        code="MLK501",
        name="an __init__ that works",
        severity="error",
        reason="clone and the search for parameters make an estimator anew from what __init__ was "
        "given: what it made of that is lost, or made twice.",
        fix="Store each argument as it is under its own name, and do the work in fit.",
        bad="""
from mlkit import Featurizer


class Routes(Featurizer):
    def __init__(self, names):
        self.names = sorted(names)
""",
        good="""
from mlkit import Featurizer


class Routes(Featurizer):
    def __init__(self, names):
        self.names = names
""",
        hits=_inert,
    ),
    Rule(
        code="MLK502",
        name="a transform that fits",
        severity="error",
        reason="What it learns, it learns from the rows that are to be scored, and of one row it "
        "learns something else than of many.",
        fix="Learn in fit, into attributes ending in _, and use these in transform.",
        bad="""
from mlkit import Featurizer


class Centred(Featurizer):
    def transform(self, frame):
        self.mean_ = frame["price"].mean()
        return frame.assign(price=frame["price"] - self.mean_)
""",
        good="""
from mlkit import Featurizer


class Centred(Featurizer):
    def fit(self, frame, target=None):
        self.mean_ = frame["price"].mean()
        return self

    def transform(self, frame):
        return frame.assign(price=frame["price"] - self.mean_)
""",
        hits=_learning,
    ),
)
