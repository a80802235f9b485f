"""`Series.dt` and `Series.str`, of columns that are being traced."""

from typing import Any

from mlkit.training.compilation import moments, texts
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.standins import Standin, Traced
from mlkit.training.compilation.values import Value


class Moments(Standin):
    """`Series.dt`."""

    _kind = "datetimes"

    def __init__(self, column: Traced) -> None:
        if column.value.dtype not in ("datetime", "timedelta"):
            raise AttributeError("Can only use .dt accessor with datetimelike values")
        self._column = column
        self._value = column.value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._column.made(moments.part(self._value, name))

    def total_seconds(self) -> Traced:
        """See `pandas.Series.dt.total_seconds`."""
        return self._column.made(moments.total_seconds(self._value))

    def floor(self, freq: str) -> Traced:
        """See `pandas.Series.dt.floor`."""
        return self._column.made(moments.floor(self._value, freq))

    def normalize(self) -> Traced:
        """See `pandas.Series.dt.normalize`."""
        return self._column.made(moments.floor(self._value, "D"))

    def tz_localize(self, tz: None) -> Traced:
        """See `pandas.Series.dt.tz_localize`, to no zone."""
        if tz is not None:
            raise Untraceable("tz_localize to a zone", "Say the zone in the schema: column(tz=…).")
        return self._column.made(moments.wall_clock(self._value))

    def tz_convert(self, tz: Any) -> Traced:
        """See `pandas.Series.dt.tz_convert`."""
        if self._value.tz is None or not isinstance(tz, str):
            raise Untraceable("tz_convert", "Convert datetimes with a zone to the name of another.")
        value = self._value
        return self._column.made(
            Value(dtype="datetime", var=value.var, can_miss=value.can_miss, tz=tz)
        )


class Texts(Standin):
    """`Series.str`."""

    _kind = "text"
    _prefix = "str."

    def __init__(self, column: Traced) -> None:
        if column.value.dtype != "str":
            raise AttributeError("Can only use .str accessor with string values")
        self._column = column
        self._value = column.value

    def lower(self) -> Traced:
        """See `pandas.Series.str.lower`."""
        return self._column.made(texts.cased(self._value, "lower"))

    def upper(self) -> Traced:
        """See `pandas.Series.str.upper`."""
        return self._column.made(texts.cased(self._value, "upper"))

    def len(self) -> Traced:
        """See `pandas.Series.str.len`."""
        return self._column.made(texts.length(self._value))

    def strip(self, to_strip: Any = None) -> Traced:
        """See `pandas.Series.str.strip`."""
        return self._column.made(texts.stripped(self._value, "strip", to_strip))

    def lstrip(self, to_strip: Any = None) -> Traced:
        """See `pandas.Series.str.lstrip`."""
        return self._column.made(texts.stripped(self._value, "lstrip", to_strip))

    def rstrip(self, to_strip: Any = None) -> Traced:
        """See `pandas.Series.str.rstrip`."""
        return self._column.made(texts.stripped(self._value, "rstrip", to_strip))

    def startswith(self, pat: Any, na: Any = None) -> Traced:
        """See `pandas.Series.str.startswith`."""
        return self._column.made(texts.startswith(self._value, pat, na))

    def endswith(self, pat: Any, na: Any = None) -> Traced:
        """See `pandas.Series.str.endswith`."""
        return self._column.made(texts.endswith(self._value, pat, na))

    def contains(
        self, pat: str, case: bool = True, flags: int = 0, na: Any = None, regex: bool = True
    ) -> Traced:
        """See `pandas.Series.str.contains`, of a literal."""
        if flags or not case:
            raise Untraceable(".str.contains that ignores case", "Take .str.lower() first.")
        return self._column.made(texts.contains(self._value, pat, na, regex=regex))

    def slice(self, start: Any = None, stop: Any = None, step: Any = None) -> Traced:
        """See `pandas.Series.str.slice`."""
        return self._column.made(texts.sliced(self._value, start, stop, step))

    def get(self, i: int) -> Traced:
        """See `pandas.Series.str.get`."""
        return self._column.made(texts.character(self._value, i))

    def __getitem__(self, key: Any) -> Traced:
        if isinstance(key, int):
            return self.get(key)
        return self.slice(key.start, key.stop, key.step)

    def replace(
        self, pat: Any, repl: Any = None, n: int = -1, case: Any = None, flags: int = 0,
        regex: bool = False,
    ) -> Traced:  # fmt: skip
        """See `pandas.Series.str.replace`, of a literal."""
        if regex or n != -1 or case is not None or flags:
            raise Untraceable(".str.replace of a pattern", "Replace a literal: regex=False.")
        return self._column.made(texts.replaced(self._value, pat, repl))
