"""MLK4: models that are stored as data, not as code that runs when it is read."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import argument, is_false, may_have
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.scopes import targets
from mlkit.standards.source import Source

_PICKLERS = ("pickle", "cPickle", "cloudpickle", "dill", "joblib")
_FUNCTIONS = ("load", "loads", "dump", "dumps", "Pickler", "Unpickler")


def _pickles(source: Source) -> Iterator[Hit]:
    functions = [f"{package}.{function}" for package in _PICKLERS for function in _FUNCTIONS]
    passing = _passing(source)
    for call, name in source.calls("pandas.read_pickle", *functions):
        # That something can be pickled is what a test may ask.
        is_asked = source.is_test and name.endswith(("dumps", "loads"))
        if not is_asked and id(call) not in passing:
            yield call, f"{name} reads or writes a pickle"
    for call, name in source.methods("to_pickle"):
        yield call, f"{name} reads or writes a pickle"


def _passing(source: Source) -> set[int]:
    """Return the calls that make a pickle that is not kept, or is read at once."""
    dumps = {id(each[0]): each for each in source.calls(*(f"{of}.dumps" for of in _PICKLERS))}
    loads = {id(each[0]): each for each in source.calls(*(f"{of}.loads" for of in _PICKLERS))}
    found = {id(each.value) for each in source.nodes(ast.Expr)} & set(dumps)
    for scope in source.scopes_with(loads.values()) if dumps and not source.is_test else ():
        made: dict[str, int] = {}
        for statement, calls in scope.calls:
            for call in calls:
                if id(call) in loads and call.args:
                    pickled = call.args[0]
                    maker = made.get(pickled.id) if isinstance(pickled, ast.Name) else id(pickled)
                    if maker in dumps:
                        found |= {id(call), maker}
            if isinstance(statement, ast.Assign) and id(statement.value) in dumps:
                made |= dict.fromkeys(targets(statement), id(statement.value))
    return found


def _torch(source: Source) -> Iterator[Hit]:
    for call, _ in source.calls("torch.load"):
        # Who brings an unpickler of their own says what it may run.
        is_own = argument(call, "pickle_module") is not None
        is_said = may_have(call, "weights_only")
        if not is_own and (not is_said or is_false(argument(call, "weights_only"))):
            yield call, "torch.load without weights_only=True may run what the file says"


RULES = (
    Rule(
        code="MLK401",
        name="a pickle",
        severity="error",
        reason="Whoever writes a pickle decides what is run where it is read, and one of today "
        "is not read by the libraries of tomorrow.",
        fix="Pack a model as a bundle (mlkit train), and write tables as Parquet.",
        bad="""
import joblib

joblib.dump(model, "model.joblib")
""",
        good="""
from mlkit import pack

pack(model, evaluation, holdout, "bundles/flight-delay", name="flight-delay")
""",
        hits=_pickles,
    ),
    Rule(
        code="MLK402",
        name="torch.load that may run code",
        severity="error",
        reason="A checkpoint is a pickle: by itself it may run anything.",
        fix="Give weights_only=True.",
        bad="""
import torch

state = torch.load("weights.pt")
""",
        good="""
import torch

state = torch.load("weights.pt", weights_only=True)
""",
        hits=_torch,
    ),
)
