"""Find what a transform takes from the clock or by chance: its graph would never take it again."""

import ast
import linecache
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from mlkit.training.compilation.errors import Inconstant, is_somebodys, text_of

_CLOCK = re.compile(r"(.+\.)?(now|today|utcnow|localtime|gmtime)|time\.time(_ns)?")
#: By their names, for a column may be called random as well.
_DRAWS = "|".join(sorted({*dir(random), *dir(np.random)}))
_CHANCE = re.compile(rf"((np|numpy)\.)?random\.({_DRAWS})(\(.*)?|(.+\.)?default_rng(\(.*)?")
_OF_TEXT = re.compile(r"(.+\.)?(Timestamp|to_datetime|datetime64)")

Names = Mapping[str, Any]


@contextmanager
def without_clock_or_chance() -> Iterator[None]:
    """Stop at a call of the clock, or of chance, in somebody's code that runs in this block.

    It is told of before whatever else stops the block.

    Raises
    ------
    Inconstant
        At the first of them.
    """
    executed: dict[int, tuple[CodeType, Names]] = {}

    def note(frame: FrameType, event: str, argument: Any) -> None:
        code, names = frame.f_code, frame.f_globals
        if event == "call" and id(code) not in executed and is_somebodys(code, names):
            executed[id(code)] = code, names

    if sys.getprofile() is not None:
        # A profiler that runs could not be given its place back.
        yield
        return
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        _check(executed.values())


def _check(executed: Iterable[tuple[CodeType, Names]]) -> None:
    files: dict[str, tuple[set[int], Names]] = {}
    for code, names in executed:
        numbers, _ = files.setdefault(code.co_filename, (set(), names))
        numbers.update(number for _, _, number in code.co_lines() if number is not None)
    for filename, (numbers, names) in files.items():
        for node in ast.walk(ast.parse("".join(linecache.getlines(filename)))):
            if isinstance(node, ast.Call) and node.lineno in numbers and not _is_own(node, names):
                _check_call(node, filename)


def _is_own(call: ast.Call, names: Names) -> bool:
    """Whether a helper or method of somebody is called, which is looked into itself."""
    root, *rest = ast.unparse(call.func).split(".")
    if root == "self" and len(rest) == 1:
        return True
    found = names.get(root)
    for name in rest:
        found = getattr(found, name, None)
    return isinstance(found, FunctionType) and is_somebodys(found.__code__, found.__globals__)


def _check_call(call: ast.Call, filename: str) -> None:
    name = ast.unparse(call.func)
    texts = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    if _CLOCK.fullmatch(name) or (_OF_TEXT.fullmatch(name) and texts & {"now", "today"}):
        advice = (
            "The model would drift with the clock: take the time from a column of the schema, "
            'as role="event_time".'
        )
    elif _CHANCE.fullmatch(name):
        advice = "The model would predict by chance: draw in fit, and keep what was drawn."
    else:
        return
    raise Inconstant(ast.unparse(call), advice, line=text_of(filename, call.lineno))
