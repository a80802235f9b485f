"""pandas' own names, which take stand-ins for as long as a transform is traced.

numpy's functions ask their arguments how they are to be computed; pandas' do
not, and its containers would look into what has no values.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock, get_ident
from traceback import walk_tb
from types import FrameType, ModuleType
from typing import Any

import pandas as pd

from mlkit.training.compilation.columns import TracedColumn
from mlkit.training.compilation.errors import is_somebodys
from mlkit.training.compilation.frames import PANDAS, Frame
from mlkit.training.compilation.standins import ON_COLUMNS, Index, advice

_LOCK = RLock()
_OWN = {name: getattr(pd, name) for name in PANDAS}


@contextmanager
def pandas_for_standins() -> Iterator[None]:
    """Let `pd.DataFrame` and the like take stand-ins, in this thread alone."""
    tracing = get_ident()

    class Pandas(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            if name in _DOUBLES and get_ident() == tracing:
                return _DOUBLES[name]
            return super().__getattribute__(name)

    with _LOCK:
        own = type(pd)
        pd.__class__ = Pandas
        try:
            yield
        finally:
            pd.__class__ = own


def given_to_library(error: Exception) -> tuple[str, str] | None:
    """Return what somebody called of pandas or numpy with a stand-in, if that is what failed.

    Returns
    -------
    tuple of str, or None
        What was called, and what to write instead.
    """
    found, is_asked = None, False
    for frame, _ in walk_tb(error.__traceback__):
        if is_somebodys(frame.f_code, frame.f_globals):
            found, is_asked = None, True
        elif is_asked and frame.f_code.co_name != "wrapper":
            # The first frame inwards has the name that was called; a decorator has none.
            is_given = _has_standin(*frame.f_locals.values())
            found, is_asked = _called(frame) if is_given else None, False
    return found


def _called(frame: FrameType) -> tuple[str, str] | None:
    library = frame.f_globals.get("__name__", "").partition(".")[0]
    name, owner = frame.f_code.co_name, frame.f_locals.get("self")
    if owner is not None and name == "__init__":
        name, owner = type(owner).__name__, None
    if library == "numpy":
        return f"np.{name} of several columns", ON_COLUMNS
    if library != "pandas":
        return None
    if owner is not None:
        instead = "Turn what is constant into numbers, dicts or lists in fit."
        return f"{type(owner).__name__}.{name} of what is not constant", instead
    if name in PANDAS:
        instead = f"Write `import pandas as pd`, and pd.{name}."
        return f"{name} that was imported from pandas by its name", instead
    return f"pd.{name}", advice(name)


def _double(name: str) -> Any:
    own, traced = _OWN[name], PANDAS[name]
    if not isinstance(own, type):
        return lambda *args, **kwargs: (traced if _has_standin(*args, *kwargs.values()) else own)(
            *args, **kwargs
        )
    both = (own, Frame if name == "DataFrame" else TracedColumn)

    class Double(type):
        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
            # Whoever derives from it while a trace runs derives from pandas' own class.
            return type(name, tuple(own if base is double else base for base in bases), namespace)

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            made = traced if _has_standin(*args, *kwargs.values()) else own
            return made(*args, **kwargs)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, both)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, both)

    double = type.__new__(Double, name, (own,), {})
    return double


def _has_standin(*values: Any) -> bool:
    return any(map(_holds_standin, values))


def _holds_standin(value: Any) -> bool:
    if isinstance(value, (TracedColumn, Frame, Index)):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_standin, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_standin, value))
    return False


_DOUBLES = {name: _double(name) for name in PANDAS}
