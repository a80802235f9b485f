"""MLK1: rows that judge a model once, and that it was not fitted on."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlkit.standards.calls import method, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import Scope, is_test_rows, stored, targets
from mlkit.standards.source import Source

_PREDICTING = ("predict", "predict_proba", "decision_function")
#: Of pairs of rows and of columns, or of groups: nothing that judges what was predicted.
_NO_METRICS = ("sklearn.metrics.pairwise", "sklearn.metrics.cluster", "sklearn.metrics.make_scorer")
_DISPLAYS = ("Display", "_display")
#: One model and its baseline are judged; of three, one is chosen.
_MOST_MODELS = 2
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)


@dataclass(slots=True)
class _Fitted:
    """What was fitted on which rows, in one scope."""

    #: Of each model, the names of the rows and of their answers.
    models: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Of each name that holds predictions, the same.
    predicted: dict[str, tuple[str, str]] = field(default_factory=dict)

    def forget(self, names: set[str]) -> None:
        """Drop what is known of names that are given another value."""
        for known in (self.models, self.predicted):
            for key, rows in list(known.items()):
                if key in names or not names.isdisjoint(rows):
                    del known[key]


def _pair(call: ast.Call) -> tuple[str, str] | None:
    """Return the names of the rows and the answers that a method is given."""
    match call.args:
        case [ast.Name(id=rows), ast.Name(id=answers)]:
            return rows, answers
    return None


def _path(node: ast.AST | None) -> str:
    """Return a name, or an attribute of one, as it is written; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{_path(value)}.{attr}" if _path(value) else ""
    return ""


def _is_metric(name: str) -> bool:
    is_of = name.startswith("sklearn.metrics.") and not name.startswith(_NO_METRICS)
    return is_of and not name.endswith(_DISPLAYS)


def _metrics(source: Source) -> list[str]:
    return [name for name in source.called if _is_metric(name)]


def _scoring(source: Source, metrics: list[str]) -> list[Scope]:
    """Return the scopes in which something is scored."""
    return source.scopes_with((*source.methods("score"), *source.calls(*metrics)))


def _resubstituted(source: Source) -> Iterator[Hit]:
    # That a model can learn its rows is what a test may ask.
    if source.is_test or not source.imports("sklearn", "mlkit", "xgboost", "lightgbm", "catboost"):
        return
    metrics = _metrics(source)
    for scope in _scoring(source, metrics):
        hits = [] if scope.name.endswith("fit") else _of_scope(source, scope, metrics)
        yield from ((call, f"{rows} judges what was fitted on it") for call, rows in hits)


def _of_scope(source: Source, scope: Scope, metrics: list[str]) -> list[tuple[ast.Call, str]]:
    """Return what scores fitted rows, if nothing of the scope scores others."""
    known, hits = _Fitted(), []
    for statement, calls in scope.calls:
        for call in calls:
            name = source.name(call.func)
            if name.startswith("sklearn.model_selection.") or method(call) == "split":
                return []
            if method(call) != "score" and name not in metrics:
                continue
            rows = _fitted_rows(known, call)
            if not rows:
                return []
            # Who says that it is the score in training knows it.
            if "train" not in source.text(statement).lower():
                hits.append((call, rows))
        _follow(known, statement, calls)
    return hits


def _fitted_rows(known: _Fitted, call: ast.Call) -> str:
    """Return the rows that a call scores, if these were fitted on; empty otherwise."""
    if method(call) == "score":
        of = receiver(call)
        fitted = known.models.get(_path(of))
        if isinstance(of, ast.Call) and method(of) == "fit":
            fitted = _pair(of)
        return fitted[0] if fitted and fitted == _pair(call) else ""
    match call.args:
        case [ast.Name(id=answers), guesses, *_]:
            fitted = _predicted(known, guesses)
            return fitted[0] if fitted and fitted[1] == answers else ""
    return ""


def _predicted(known: _Fitted, node: ast.AST) -> tuple[str, str] | None:
    """Return the rows that predictions are of, if the model was fitted on them."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        return known.predicted.get(node.id)
    if not isinstance(node, ast.Call) or method(node) not in _PREDICTING or len(node.args) != 1:
        return None
    fitted = known.models.get(_path(receiver(node)))
    return fitted if fitted and _path(node.args[0]) == fitted[0] else None


def _follow(known: _Fitted, statement: ast.stmt, calls: Sequence[ast.Call]) -> None:
    """Learn what a statement fits and predicts."""
    names = set(targets(statement)) - {""}
    value = getattr(statement, "value", None)
    predicted = _predicted(known, value) if isinstance(statement, ast.Assign) and value else None
    known.forget(names)
    for call in calls:
        if method(call) == "fit":
            known.models.pop(_path(receiver(call)), None)
            if (rows := _pair(call)) and (model := _path(receiver(call))):
                known.models[model] = rows
    for name in names if len(names) == 1 else ():
        if predicted:
            known.predicted[name] = predicted
        elif isinstance(value, ast.Call) and method(value) == "fit" and (rows := _pair(value)):
            known.models[name] = rows


def _reused(source: Source) -> Iterator[Hit]:
    if source.is_test:
        return
    names = _metrics(source)
    metrics = {id(call) for call, _ in source.calls(*names)}
    if not (scopes := _scoring(source, names)):
        return
    looped: set[int] = set()
    for kind in _LOOPS:
        for loop in source.nodes(kind):
            calls = [node for node in ast.walk(loop) if isinstance(node, ast.Call)]
            # What only scores, again and again, may score one model on other rows.
            fits = any(method(call) in ("fit", "fit_transform") for call in calls)
            if isinstance(loop, (ast.For, ast.While)) and not fits:
                continue
            own = stored(loop)
            for call in calls:
                rows = _judges(call, metrics)
                if rows and rows not in own and id(call) not in looped:
                    yield call, f"{rows} is scored in a loop: what is best there was chosen by it"
                    looped |= {id(other) for other in calls}
    for scope in scopes:
        yield from _many(scope, metrics, looped)


def _judges(call: ast.Call, metrics: set[int]) -> str:
    """Return the name of the test rows that a call scores; empty if it does not."""
    if id(call) not in metrics and method(call) != "score":
        return ""
    rows = call.args[0] if call.args else None
    return _path(rows) if is_test_rows(rows) else ""


def _many(scope: Scope, metrics: set[int], looped: set[int]) -> Iterator[Hit]:
    """Yield what scores a third model on the same test rows."""
    models: dict[str, set[str]] = {}
    predictions: dict[str, str] = {}
    for statement, calls in scope.calls:
        for name in targets(statement):
            models.pop(name, None)
        predictions |= _predictions(statement)
        for call in calls:
            rows = _judges(call, metrics)
            judged = _judged(call, predictions)
            if not rows or not judged or id(call) in looped:
                continue
            others = models.setdefault(rows, set())
            is_new = judged not in others
            others.add(judged)
            if is_new and len(others) == _MOST_MODELS + 1:
                yield call, f"{rows} judges a third model: what is best there was chosen by it"


def _predictions(statement: ast.stmt) -> Mapping[str, str]:
    """Return the name that predictions are given, and whose they are."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            if method(call) in _PREDICTING and _path(receiver(call)):
                return {name: _path(receiver(call))}
    return {}


def _judged(call: ast.Call, predictions: Mapping[str, str]) -> str:
    """Return the model that a call scores; empty if that is not to be seen."""
    if method(call) == "score":
        return _path(receiver(call))
    guesses = call.args[1] if len(call.args) > 1 else None
    if isinstance(guesses, ast.Subscript):
        guesses = guesses.value
    if isinstance(guesses, ast.Call) and method(guesses) in _PREDICTING:
        return _path(receiver(guesses))
    return predictions.get(_path(guesses), "")


RULES = (
    Rule(
        code="MLK103",
        name="scored on the rows that it was fitted on",
        severity="error",
        reason="A model knows the answers of these rows: how well it repeats them says nothing "
        "of how well it predicts others.",
        fix="Score rows that were held out, or cross-validate; say train where the score in "
        "training is what is meant.",
        bad="""
from sklearn.linear_model import LogisticRegression

model = LogisticRegression().fit(features, answers)
accuracy = model.score(features, answers)
""",
        good="""
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

accuracy = cross_val_score(LogisticRegression(), features, answers).mean()
""",
        hits=_resubstituted,
    ),
    Rule(
        code="MLK105",
        name="test rows that choose",
        severity="warning",
        reason="The best of several scores on the same rows is better than the model: chance "
        "chose along.",
        fix="Choose on validation rows or by cross-validation (mlkit tune), and score the test "
        "rows once, with what was chosen.",
        bad="""
from sklearn.linear_model import Ridge

for alpha in (0.1, 1.0, 10.0):
    scores[alpha] = Ridge(alpha=alpha).fit(X_train, y_train).score(X_test, y_test)
""",
        good="""
from sklearn.linear_model import RidgeCV

model = RidgeCV(alphas=(0.1, 1.0, 10.0)).fit(X_train, y_train)
score = model.score(X_test, y_test)
""",
        hits=_reused,
    ),
)
