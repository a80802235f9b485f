"""Find what a transform takes from the clock or by chance: its graph would never take it again."""

import ast
import linecache
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from mlkit.training.compilation.errors import Untraceable, is_somebodys, text_of

_CLOCK = re.compile(r"(.+\.)?(now|today|utcnow|localtime|gmtime)|time\.time(_ns)?")
_CHANCE = re.compile(r"((np|numpy)\.)?random\..+|(.+\.)?default_rng")
_OF_TEXT = re.compile(r"(.+\.)?(Timestamp|to_datetime|datetime64)")


@contextmanager
def executed() -> Iterator[dict[int, CodeType]]:
    """Collect somebody's functions that are called, in this thread."""
    codes: dict[int, CodeType] = {}

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and id(frame.f_code) not in codes and is_somebodys(frame):
            codes[id(frame.f_code)] = frame.f_code

    if sys.getprofile() is not None:
        # A profiler that runs could not be given its place back.
        yield codes
        return
    sys.setprofile(note)
    try:
        yield codes
    finally:
        sys.setprofile(None)


def check_constancy(codes: Iterable[CodeType]) -> None:
    """Stop at a call of the clock, or of chance, in what was executed.

    Raises
    ------
    Untraceable
        At the first of them.
    """
    lines: dict[str, set[int]] = {}
    for code in codes:
        found = {number for _, _, number in code.co_lines() if number is not None}
        lines.setdefault(code.co_filename, set()).update(found)
    for filename, numbers in lines.items():
        for node in ast.walk(ast.parse("".join(linecache.getlines(filename)))):
            if isinstance(node, ast.Call) and node.lineno in numbers:
                _check_call(node, filename)


def _check_call(call: ast.Call, filename: str) -> None:
    name = ast.unparse(call.func)
    texts = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    if _CLOCK.fullmatch(name) or (_OF_TEXT.fullmatch(name) and texts & {"now", "today"}):
        advice = (
            "The graph would keep the time at which it was made: take it from a column of the "
            'schema, as role="event_time".'
        )
    elif _CHANCE.fullmatch(name):
        advice = "The graph would keep what was drawn now: draw in fit, and keep it there."
    else:
        return
    raise Untraceable(ast.unparse(call), advice, line=text_of(filename, call.lineno))
