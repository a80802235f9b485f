"""MLK1: test rows that nothing was tuned on."""

import ast
import re
from collections.abc import Iterator

from mlkit.standards.calls import method, receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import is_test_rows, root, stored, targets
from mlkit.standards.source import Source

_SEARCHES = tuple(
    f"sklearn.model_selection.{name}"
    for name in (
        "GridSearchCV",
        "RandomizedSearchCV",
        "HalvingGridSearchCV",
        "HalvingRandomSearchCV",
    )
)
#: What libraries call the rows that are watched in training.
_WATCHED = ("eval_set", "evals", "valid_sets", "validation_data")
#: Without it, these rows are only shown.
_STOPS = re.compile(r"(?i)early_?stop|use_best_model|model_?checkpoint|reduce_?lr_?on_?plateau")
_BOOSTING = ("xgboost.train", "lightgbm.train", "catboost.train")


def _tuned(source: Source) -> Iterator[Hit]:
    yield from _searched(source)
    yield from _stopped(source)
    yield from _objectives(source)


def _searched(source: Source) -> Iterator[Hit]:
    """Yield searches for parameters that are fitted on test rows."""
    made = {id(call) for call, _ in source.calls(*_SEARCHES)}
    if not made:
        return
    searches = {
        name
        for statement in source.nodes(ast.Assign)
        if id(statement.value) in made
        for name in targets(statement)
    }
    for call, _ in source.methods("fit"):
        of = receiver(call)
        is_search = id(of) in made or (of is not None and root(of) in searches - {""})
        if is_search and call.args and is_test_rows(call.args[0]):
            yield call, f"parameters are searched on {root(call.args[0])}"


def _stopped(source: Source) -> Iterator[Hit]:
    """Yield trainings that test rows stop."""
    trainings = [call for call, _ in source.methods("fit")]
    trainings += [call for call, _ in source.calls(*_BOOSTING)]
    for call in trainings:
        for keyword in call.keywords:
            if keyword.arg not in _WATCHED:
                continue
            names = [node for node in ast.walk(keyword.value) if isinstance(node, ast.Name)]
            tests = [node.id for node in names if is_test_rows(node)]
            if tests and (_STOPS.search("\n".join(source.lines)) or source.imports("catboost")):
                yield call, f"{keyword.arg} lets {tests[0]} say when training is to stop"


def _objectives(source: Source) -> Iterator[Hit]:
    """Yield what an objective of Optuna scores of test rows that are not its own."""
    if not source.imports("optuna"):
        return
    for function in source.nodes(ast.FunctionDef):
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        if not any(method(call).startswith("suggest_") for call in calls):
            continue
        own = stored(function)
        for call in calls:
            rows = call.args[0] if call.args else None
            is_scored = method(call) == "score" or source.name(call.func).startswith(
                "sklearn.metrics."
            )
            if is_scored and rows and is_test_rows(rows) and root(rows) not in own:
                yield call, f"a trial is judged by {root(rows)}"


RULES = (
    Rule(
        code="MLK104",
        name="tuned on test rows",
        severity="error",
        reason="Parameters that were chosen to suit some rows look better on these than on any "
        "others.",
        fix="Tune by cross-validation on the training rows (mlkit tune), or on rows that are "
        "split off them.",
        bad="""
from lightgbm import LGBMClassifier, early_stopping

model = LGBMClassifier().fit(
    X_train, y_train, eval_set=[(X_test, y_test)], callbacks=[early_stopping(20)]
)
""",
        good="""
from lightgbm import LGBMClassifier, early_stopping

model = LGBMClassifier().fit(
    X_train, y_train, eval_set=[(X_valid, y_valid)], callbacks=[early_stopping(20)]
)
""",
        hits=_tuned,
    ),
)
