"""MLK2: chance that comes out the same again."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import argument, is_constant, is_true, may_have
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

#: Whose functions draw from one state for all, what seeds that, and what does not draw.
_STATES = {
    "numpy.random": ("seed", "default_rng", "get_state", "set_state"),
    "random": ("seed", "getstate", "setstate"),
}
#: What draws unless it is told not to; the argument that says so, and its value.
_SKLEARN = {
    "sklearn.model_selection.train_test_split": ("shuffle", False),
    "sklearn.utils.shuffle": ("", None),
    "sklearn.utils.resample": ("", None),
} | {
    f"sklearn.model_selection.{name}": ("", None)
    for name in ("ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit")
}
#: What draws only when it is told to shuffle.
_FOLDS = ("sklearn.model_selection.KFold", "sklearn.model_selection.StratifiedKFold")


def _draws(source: Source) -> Iterator[Hit]:
    # How long to wait is no result.
    sleeps = [call for call, _ in source.calls("time.sleep")]
    waits = {id(node) for call in sleeps for node in ast.walk(call)}
    for name in source.called:
        package, _, function = name.rpartition(".")
        others = _STATES.get(package)
        if others is None or function in others or not function.islower():
            continue
        if any(call.args for call, _ in source.calls(f"{package}.seed")):
            continue
        for call, _ in source.calls(name):
            if id(call) not in waits:
                yield call, f"{name} draws from a state that nothing has seeded"


def _generators(source: Source) -> Iterator[Hit]:
    makers = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
    for call, name in source.calls(*makers):
        given = call.args[0] if call.args else argument(call, "seed")
        if (given is None and not call.keywords) or is_constant(given, None):
            yield call, f"{name} without a seed is another one in each run"


def _refused(source: Source) -> set[int]:
    """Return the calls that a test wants to fail: they draw nothing."""
    if not source.is_test:
        return set()
    return {
        id(node)
        for block in source.nodes(ast.With)
        if any("raises" in source.text(item.context_expr) for item in block.items)
        for node in ast.walk(block)
    }


def _sklearn(source: Source) -> Iterator[Hit]:
    # Without one of its own, scikit-learn draws from numpy's.
    if any(call.args for call, _ in source.calls("numpy.random.seed")):
        return
    refused = _refused(source)
    for call, name in source.calls(*_SKLEARN, *_FOLDS):
        if name in _SKLEARN:
            switch, off = _SKLEARN[name]
            draws = not (switch and is_constant(argument(call, switch), off))
        else:
            draws = is_true(argument(call, "shuffle"))
        if id(call) in refused or (name == "sklearn.utils.resample" and not call.args):
            continue
        state = argument(call, "random_state")
        if draws and (not may_have(call, "random_state") or is_constant(state, None)):
            yield call, f"{name.rpartition('.')[2]} draws rows without a random_state"


RULES = (
    Rule(
        code="MLK201",
        name="drawn from a state without a seed",
        severity="error",
        reason="A run that draws other numbers each time cannot be done again, and what changed "
        "between two of them cannot be told.",
        fix="Draw from a generator of your own: rng = np.random.default_rng(seed).",
        bad="""
import numpy as np

noise = np.random.normal(size=10)
""",
        good="""
import numpy as np

noise = np.random.default_rng(7).normal(size=10)
""",
        hits=_draws,
    ),
    Rule(
        code="MLK202",
        name="a generator without a seed",
        severity="error",
        reason="It begins elsewhere in each run, so that none can be done again.",
        fix="Give it the seed of the settings.",
        bad="""
import numpy as np

rng = np.random.default_rng()
""",
        good="""
import numpy as np

rng = np.random.default_rng(seed)
""",
        hits=_generators,
    ),
    Rule(
        code="MLK203",
        name="rows split by chance without a random_state",
        severity="error",
        reason="Each run has another holdout: figures of two runs cannot be compared, and rows "
        "of the one's holdout are the other's training.",
        fix="Give random_state, or split in time with mlkit's Splitter.",
        bad="""
from sklearn.model_selection import train_test_split

train, test = train_test_split(rows)
""",
        good="""
from sklearn.model_selection import train_test_split

train, test = train_test_split(rows, random_state=7)
""",
        hits=_sklearn,
    ),
)
