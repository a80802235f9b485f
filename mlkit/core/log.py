"""Log events: a noun and a past verb, with values as keys.

mlkit's loggers write through the standard library and stay silent until the
program that uses them (or `configure_logging`) attaches a handler. Values of
personal data are replaced before any handler sees them.
"""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

REDACTED = "[redacted]"
logging.getLogger("mlkit").addHandler(logging.NullHandler())
_redacted_keys: set[str] = set()
#: Loggers of libraries whose news (that fonts were listed) are nothing to a user.
_CHATTY = ("matplotlib",)


def _redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for key in _redacted_keys.intersection(event):
        event[key] = REDACTED
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _redact,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the structlog logger called `name`, backed by the standard library."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def configure_logging(
    level: str = "info",
    style: Literal["auto", "console", "json"] = "auto",
    redact: Iterable[str] = (),
) -> None:
    """Send all log records of this process to stderr in the team's form.

    Parameters
    ----------
    level
        Lowest level shown: debug, info, warning or error.
    style
        `json` writes one object a line, `console` is for people; `auto` takes
        `console` where stderr is a terminal.
    redact
        Event keys whose values are replaced, such as a schema's pii columns.
    """
    _redacted_keys.clear()
    _redacted_keys.update(redact)
    if style == "auto":
        style = "console" if sys.stderr.isatty() else "json"
    renderer: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if style == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
            foreign_pre_chain=list(_SHARED),
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


@contextmanager
def stage(
    logger: structlog.stdlib.BoundLogger, noun: str, *, level: int = logging.INFO, **values: Any
) -> Iterator[None]:
    """Log `noun_started` and `noun_finished` around a step, with its seconds.

    Give `logging.DEBUG` as `level` where a step is soon done, or lies within another.
    """
    start = perf_counter()
    logger.log(level, f"{noun}_started", **values)
    yield
    logger.log(level, f"{noun}_finished", seconds=round(perf_counter() - start, 2))
