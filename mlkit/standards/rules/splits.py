"""MLK1: rows that a model is judged on, and nothing else saw."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlkit.standards.calls import method, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

_SPLIT = "sklearn.model_selection.train_test_split"
_FITTING = ("fit", "fit_transform", "fit_resample", "partial_fit")
#: What learns of the answers alone, and tells nothing about any row.
_HARMLESS = ("sklearn.preprocessing.LabelEncoder", "sklearn.preprocessing.LabelBinarizer")


@dataclass(slots=True)
class _Scope:
    """What names hold, statement by statement."""

    #: What was made by fitting, and the call that fitted.
    learned: dict[str, ast.Call] = field(default_factory=dict)
    #: What was fitted, by the name of the transformer.
    fitted: dict[str, ast.Call] = field(default_factory=dict)
    #: What learns of the answers alone.
    harmless: set[str] = field(default_factory=set)


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """Yield the calls of a statement, but for those in the blocks that it heads."""
    blocks = {"body", "orelse", "finalbody", "handlers", "cases"}
    for name, value in ast.iter_fields(statement):
        if name in blocks or isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from (node for node in ast.walk(each) if isinstance(node, ast.Call))


def _root(node: ast.AST) -> str:
    """Return the name that an expression is taken from."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _targets(statement: ast.stmt) -> list[str]:
    if not isinstance(statement, ast.Assign):
        return []
    (target,) = statement.targets[:1]
    each = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return [node.id if isinstance(node, ast.Name) else "" for node in each]


def _fit_before_split(source: Source) -> Iterator[Hit]:
    for statements in source.scopes():
        scope = _Scope()
        for statement in statements:
            for call in _calls(statement):
                if source.name(call.func) == _SPLIT:
                    for each in call.args:
                        if fit := scope.learned.get(_root(each)):
                            yield fit, f"{_root(each)} is split after something was fitted on it"
                elif method(call) in ("fit", "partial_fit"):
                    scope.fitted[_root(call.func)] = call
            _learn(source, scope, statement)


def _learn(source: Source, scope: _Scope, statement: ast.stmt) -> None:
    targets = _targets(statement)
    for name in targets:
        scope.learned.pop(name, None)
    value = getattr(statement, "value", None)
    if len(targets) != 1 or not isinstance(value, ast.Call):
        return
    if source.name(value.func) in _HARMLESS:
        scope.harmless.add(targets[0])
    maker = receiver(value)
    if maker is None or _root(maker) in scope.harmless:
        return
    if isinstance(maker, ast.Call) and source.name(maker.func) in _HARMLESS:
        return
    if method(value) in ("fit_transform", "fit_resample"):
        scope.learned[targets[0]] = value
    elif method(value) == "transform" and _root(maker) in scope.fitted:
        scope.learned[targets[0]] = scope.fitted[_root(maker)]


def _fit_on_test(source: Source) -> Iterator[Hit]:
    for statements in source.scopes():
        tests: set[str] = set()
        for statement in statements:
            for call in _calls(statement):
                if method(call) not in _FITTING or not call.args:
                    continue
                name = _root(call.args[0])
                if name in tests:
                    yield call, f"{method(call)} learns from {name}, the rows that are to judge it"
            targets = _targets(statement)
            tests -= set(targets)
            value = getattr(statement, "value", None)
            if isinstance(value, ast.Call) and source.name(value.func) == _SPLIT:
                tests |= set(targets[1::2]) - {""}


RULES = (
    Rule(
        code="MLK101",
        name="fitted before the split",
        severity="error",
        reason="What is fitted on all rows has seen those that are to judge the model, so that "
        "it looks better than it is.",
        fix="Split first, or put the step into the pipeline of a Trainer, which fits every step "
        "on the training rows alone.",
        bad="""
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

scaled = StandardScaler().fit_transform(features)
train, test = train_test_split(scaled, random_state=0)
""",
        good="""
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

train, test = train_test_split(features, random_state=0)
scaler = StandardScaler().fit(train)
train, test = scaler.transform(train), scaler.transform(test)
""",
        hits=_fit_before_split,
    ),
    Rule(
        code="MLK102",
        name="fitted on test rows",
        severity="error",
        reason="Rows that something was fitted on can no longer judge it.",
        fix="Fit on the training rows, and only transform, predict or score the others.",
        bad="""
from sklearn.model_selection import train_test_split

train, test = train_test_split(rows, random_state=0)
train = scaler.fit_transform(train)
test = scaler.fit_transform(test)
""",
        good="""
from sklearn.model_selection import train_test_split

train, test = train_test_split(rows, random_state=0)
train = scaler.fit_transform(train)
test = scaler.transform(test)
""",
        hits=_fit_on_test,
    ),
)
