"""MLK4: models that are stored as data, not as code that runs when it is read."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import argument, is_true, method
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

_PICKLERS = ("pickle", "cPickle", "cloudpickle", "dill", "joblib")
_FUNCTIONS = ("load", "loads", "dump", "dumps", "Pickler", "Unpickler")


def _pickles(source: Source) -> Iterator[Hit]:
    for call in source.nodes(ast.Call):
        name = source.name(call.func)
        package, _, function = name.rpartition(".")
        if package in _PICKLERS and function in _FUNCTIONS:
            yield call, f"{name} reads or writes a pickle"
        elif name == "pandas.read_pickle" or method(call) == "to_pickle":
            yield call, f"{name or 'to_pickle'} reads or writes a pickle"


def _torch(source: Source) -> Iterator[Hit]:
    for call in source.nodes(ast.Call):
        is_safe = is_true(argument(call, "weights_only"))
        if source.name(call.func) == "torch.load" and not is_safe:
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
