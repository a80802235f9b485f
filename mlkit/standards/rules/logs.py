"""MLK6: logs that machines can read."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import receiver
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

_LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
_LOGGERS = ("structlog.get_logger", "structlog.stdlib.get_logger", "logging.getLogger")


def _prints(source: Source) -> Iterator[Hit]:
    # A notebook and a script are read by who runs them.
    if "src" not in source.path.parts:
        return
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield call, "print goes past the log"


def _root(source: Source) -> Iterator[Hit]:
    for call, name in source.calls(*(f"logging.{level}" for level in _LEVELS)):
        yield call, f"{name} writes to the root logger"


def _loggers(source: Source) -> set[str]:
    found = set()
    for node in source.nodes(ast.Assign):
        value = node.value
        if isinstance(value, ast.Call) and (
            source.name(value.func) in _LOGGERS
            or source.name(value.func).endswith(".log.get_logger")
        ):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return found


def _formatted(source: Source) -> Iterator[Hit]:
    loggers = _loggers(source)
    for call, _ in source.methods(*_LEVELS):
        of = receiver(call)
        is_logger = isinstance(of, ast.Name) and of.id in loggers
        if is_logger and call.args and isinstance(call.args[0], ast.JoinedStr):
            yield call, "an event that is formatted is another one each time"


RULES = (
    Rule(
        code="MLK601",
        name="a print in a package",
        severity="error",
        reason="It has no level, no time and no run, cannot be turned off, and is lost where "
        "nobody reads the terminal.",
        fix='Log an event: log.info("rows_read", n_rows=len(frame)).',
        bad="""
print(f"read {len(frame)} rows")
""",
        good="""
import structlog

log = structlog.get_logger()
log.info("rows_read", n_rows=len(frame))
""",
        hits=_prints,
    ),
    Rule(
        code="MLK602",
        name="the root logger",
        severity="error",
        reason="Nobody can tell whose it is, or turn it down by itself.",
        fix="Take a logger of the module: log = structlog.get_logger().",
        bad="""
import logging

logging.info("started")
""",
        good="""
import structlog

log = structlog.get_logger()
log.info("training_started")
""",
        hits=_root,
    ),
    Rule(
        code="MLK603",
        name="a formatted event",
        severity="error",
        reason="Events are counted and searched by their name, which values in it make another "
        "each time.",
        fix="Give the values as fields.",
        bad="""
import structlog

log = structlog.get_logger()
log.info(f"read {n_rows} rows")
""",
        good="""
import structlog

log = structlog.get_logger()
log.info("rows_read", n_rows=n_rows)
""",
        hits=_formatted,
    ),
)
