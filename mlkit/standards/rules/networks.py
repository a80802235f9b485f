"""MLK5: networks that predict as they were judged."""

import ast
import re
from collections.abc import Iterator

from mlkit.standards.calls import method
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import Scope
from mlkit.standards.source import Source

_ASKING = re.compile(r"^_?(predict|infer|inference|evaluate|validate|score)(_(?!step)\w+)?$")
_NETWORK = re.compile(r"^(model|net|network|module)_?$")
_WITHOUT = ("no_grad", "inference_mode", "set_grad_enabled")


def _asked(source: Source) -> Iterator[Hit]:
    # Lightning sets both by itself.
    frameworks = ("lightning", "pytorch_lightning", "ignite", "skorch")
    if source.is_test or not source.imports("torch") or source.imports(*frameworks):
        return
    evaluates = any(source.methods("eval")) or any(source.methods("train"))
    freed = {node.attr for node in source.nodes(ast.Attribute)} | set(source.imported)
    is_free = not freed.isdisjoint(_WITHOUT)
    for scope in source.scopes:
        if not _ASKING.match(scope.name) or (evaluates and is_free):
            continue
        call = _forward(scope)
        lacking = [
            word
            for word, is_there in (("eval()", evaluates), ("inference_mode()", is_free))
            if not is_there
        ]
        if call is not None:
            yield call, f"{scope.name} asks a network without {' and '.join(lacking)}"


def _forward(scope: Scope) -> ast.Call | None:
    """Return what asks a network, where nothing is trained."""
    calls = [call for _, each in scope.calls for call in each]
    if any(method(call) == "backward" for call in calls):
        return None
    for call in calls:
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        of = getattr(call.func, "value", None)
        is_own = of is None or (isinstance(of, ast.Name) and of.id == "self")
        if is_own and _NETWORK.match(name) and call.args:
            return call
    return None


RULES = (
    Rule(
        code="MLK505",
        name="a network asked as if it were trained",
        severity="warning",
        reason="Before eval(), dropout and batch normalisation work as in training, and a row's "
        "prediction depends on chance and on the rows beside it; with gradients, memory grows.",
        fix="Call model.eval() before, and predict within torch.inference_mode().",
        bad="""
import torch


def predict(model, rows):
    return model(torch.as_tensor(rows)).numpy()
""",
        good="""
import torch


def predict(model, rows):
    model.eval()
    with torch.inference_mode():
        return model(torch.as_tensor(rows)).numpy()
""",
        hits=_asked,
    ),
)
