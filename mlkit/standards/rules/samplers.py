"""MLK2: chance of libraries that draw from a state of their own."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import argument, is_constant, is_true, may_have, method
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

_TRAINERS = ("lightning.Trainer", "lightning.pytorch.Trainer", "pytorch_lightning.Trainer")
_LOADER = "torch.utils.data.DataLoader"
_SPLIT = "torch.utils.data.random_split"
_SAMPLERS = tuple(
    f"optuna.samplers.{name}Sampler"
    for name in ("TPE", "Random", "CmaEs", "GP", "NSGAII", "NSGAIII", "QMC", "BruteForce")
)
_STUDIES = ("optuna.create_study", "optuna.study.create_study")


def _torch(source: Source) -> Iterator[Hit]:
    if not source.imports("torch", *(name.split(".")[0] for name in _TRAINERS)):
        return
    # Whatever it is called: manual_seed, seed_everything, a project's own set_seed.
    called = [*source.called, *(method(call) or _plain(call) for call in source.nodes(ast.Call))]
    if source.is_test or any("seed" in name.lower() for name in called):
        return
    for call, _ in source.calls(_SPLIT):
        if not may_have(call, "generator"):
            yield call, "random_split draws rows without a generator"
    # Whoever calls what only defines may have seeded.
    if not _is_run(source):
        return
    if any(source.methods("backward")):
        optimizers = (name for name in source.called if name.startswith("torch.optim."))
        for call, _ in list(source.calls(*optimizers))[:1]:
            yield call, "a network is trained without torch.manual_seed"
    for call, _ in source.calls(*_TRAINERS):
        yield call, "a network is trained without seed_everything"
    for call, _ in source.calls(_LOADER):
        if is_true(argument(call, "shuffle")) and not may_have(call, "generator"):
            yield call, "DataLoader shuffles without a generator or a seed"


def _plain(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_run(source: Source) -> bool:
    """Whether a module is what is run: a notebook, a script, or what trains where it stands."""
    runs = any(
        method(call) in ("backward", "fit") or source.name(call.func) in _TRAINERS
        for _, calls in source.scopes[0].calls
        for call in calls
    )
    is_main = any(
        isinstance(node.test, ast.Compare) and getattr(node.test.left, "id", "") == "__name__"
        for node in source.nodes(ast.If)
    )
    return bool(source.cells) or runs or is_main


def _optuna(source: Source) -> Iterator[Hit]:
    is_later = any(
        node.attr == "sampler" and isinstance(node.ctx, ast.Store)
        for node in source.nodes(ast.Attribute)
    )
    for call, name in source.calls(*_SAMPLERS):
        if call.args:
            continue
        if not may_have(call, "seed") or is_constant(argument(call, "seed"), None):
            yield call, f"{name.rpartition('.')[2]} without a seed tries others in each run"
    for call, _ in source.calls(*_STUDIES):
        if not is_later and len(call.args) < 2 and not may_have(call, "sampler"):
            yield call, "a study without a seeded sampler tries others in each run"


RULES = (
    Rule(
        code="MLK204",
        name="torch without a seed",
        severity="error",
        reason="Weights begin elsewhere in each run, and rows come in another order: none can be "
        "done again.",
        fix="Call torch.manual_seed(seed) before anything is made, or give a seeded generator.",
        bad="""
import torch

optimizer = torch.optim.Adam(network.parameters())
for rows, answers in batches:
    optimizer.zero_grad()
    loss(network(rows), answers).backward()
    optimizer.step()
""",
        good="""
import torch

torch.manual_seed(seed)
optimizer = torch.optim.Adam(network.parameters())
for rows, answers in batches:
    optimizer.zero_grad()
    loss(network(rows), answers).backward()
    optimizer.step()
""",
        hits=_torch,
    ),
    Rule(
        code="MLK205",
        name="a study without a seeded sampler",
        severity="error",
        reason="Each run tries other parameters and finds another best: none can be done again.",
        fix="Give it one: sampler=optuna.samplers.TPESampler(seed=seed). mlkit tune does.",
        bad="""
import optuna

study = optuna.create_study(direction="maximize")
""",
        good="""
import optuna

sampler = optuna.samplers.TPESampler(seed=seed)
study = optuna.create_study(direction="maximize", sampler=sampler)
""",
        hits=_optuna,
    ),
)
