"""MLK1: rows that a model is judged on, and nothing else saw."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlkit.standards.calls import method, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import root, targets
from mlkit.standards.source import Source

#: What the second part is called where it is not to judge.
_NO_TESTS = re.compile(
    r"(?i)(^|_)(train|tr|cal|calib\w*|conform\w*|val|valid\w*|dev|fit|tune)\d*(_|$)"
)
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


def _fit_before_split(source: Source) -> Iterator[Hit]:
    # A test judges code, not a model.
    if source.is_test or _SPLIT not in source.called:
        return
    for each in source.scopes:
        scope = _Scope()
        for statement, calls in each.calls:
            for call in calls:
                if source.name(call.func) == _SPLIT:
                    for rows in call.args:
                        if fit := scope.learned.get(root(rows)):
                            yield fit, f"{root(rows)} is split after something was fitted on it"
                elif method(call) in ("fit", "partial_fit"):
                    scope.fitted[root(call.func)] = call
            _learn(source, scope, statement)


def _learn(source: Source, scope: _Scope, statement: ast.stmt) -> None:
    names = targets(statement)
    for name in names:
        scope.learned.pop(name, None)
    value = getattr(statement, "value", None)
    if len(names) != 1 or not isinstance(value, ast.Call):
        return
    if source.name(value.func) in _HARMLESS:
        scope.harmless.add(names[0])
    maker = receiver(value)
    if maker is None or root(maker) in scope.harmless:
        return
    if isinstance(maker, ast.Call) and source.name(maker.func) in _HARMLESS:
        return
    if method(value) in ("fit_transform", "fit_resample"):
        scope.learned[names[0]] = value
    elif method(value) == "transform" and root(maker) in scope.fitted:
        scope.learned[names[0]] = scope.fitted[root(maker)]


def _fit_on_test(source: Source) -> Iterator[Hit]:
    if source.is_test or _SPLIT not in source.called:
        return
    for scope in source.scopes:
        tests: set[str] = set()
        parts: set[str] = set()
        for statement, calls in scope.calls:
            for call in calls:
                if method(call) not in _FITTING or not call.args:
                    continue
                name = root(call.args[0])
                if name in tests:
                    yield call, f"{method(call)} learns from {name}, the rows that are to judge it"
            names = targets(statement)
            tests -= set(names)
            value = getattr(statement, "value", None)
            if isinstance(value, ast.Call) and source.name(value.func) == _SPLIT:
                # What is split off the training rows is for training too.
                split = {root(rows) for rows in value.args}
                if not split & parts and not any(map(_NO_TESTS.search, split)):
                    tests |= {name for name in names[1::2] if name and not _NO_TESTS.search(name)}
                parts |= set(names[::2])


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
