"""Rows for programs, tame or wild, and what pandas and the compiled graph make of them."""

import linecache
import random
import types
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from programs import HEADER, TEXTS, Program, Sample, Term

from mlkit import Featurizer
from mlkit.core.rows import NO_INTEGER, NO_TEXT, ColumnRows, read_table
from mlkit.training.compilation.compiler import Compiled, compile_features

_TINY = 5e-324
_WILD = [
    1e308,
    -1e308,
    2.0**53,
    -(2.0**53),
    0.0,
    -0.0,
    _TINY,
    -1e-300,
    0.1,
    1e16,
    4503599627370497.5,
]
_TAME = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 2.0, 3.7, 100.0, -2.5, 0.1, 1e-9]
_WORDS = [
    *map(eval, TEXTS), "A", "Straße", "İstanbul", "café", "cafe\u0301", "👩‍👩‍👧", "日本語", "a\0b", " a\n", "\ta ",
    "\xa0a\xa0", "\u2003x", "abc", "ABC", "aab.yx.y", "none", "ßa", "ﬁ", "ǆ", "Σας", "\x1f", "nan",
]  # fmt: skip
_DAYS = [
    "2024-03-31T01:30:00", "2024-10-27T01:30:00", "2024-10-27T00:30:00", "2024-03-10T07:00:00",
    "2024-11-03T05:59:59.999999", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2024-02-29T12:30:00",
    "2023-12-31T23:00:00", "2024-01-01T00:00:00", "2038-01-19T03:14:08", "2100-03-01T00:00:00", "2019-06-30T22:15:00",
]  # fmt: skip
_ANCIENT = ["0001-01-02T00:00:00", "9999-12-30T23:59:59.999999", "1582-10-15T00:00:00", "1900-03-01T00:00:01",
            "1893-04-01T00:00:00", "2500-07-01T12:00:00", "4000-02-29T23:59:59"]  # fmt: skip


def sample(seed: int, *, wild: bool, n_rows: int = 24) -> pd.DataFrame:
    """Return validated rows; wild ones hold extremes."""
    rng = random.Random(seed)  # noqa: S311

    def tame() -> float:
        return rng.choice([rng.choice(_TAME), rng.uniform(-5, 5), round(rng.uniform(-5, 5), 1)])

    def number() -> float:
        return (
            rng.choice([*_WILD, rng.uniform(-1e6, 1e6)]) if wild and rng.random() < 0.5 else tame()
        )

    def integer() -> int:
        extremes = [2**63 - 1, -(2**63) + 1, 2**53 + 1, -(2**31), 10**12]
        return rng.choice(extremes) if wild and rng.random() < 0.3 else rng.randint(-10, 10)

    def text() -> str:
        if rng.random() < 0.3:
            return "".join(
                rng.choice(["a", "b", " ", ".", "ß", "X", "é"]) for _ in range(rng.randint(0, 6))
            )
        return rng.choice(_WORDS)

    def moment() -> datetime:
        if wild and rng.random() < 0.3:
            return datetime.fromisoformat(rng.choice(_ANCIENT))
        if rng.random() < 0.5:
            return datetime.fromisoformat(rng.choice(_DAYS))
        years = (1800, 2200) if wild else (1950, 2037)
        start, end = (datetime(year, 1, 1) for year in years)
        return start + timedelta(
            microseconds=rng.randrange(int((end - start).total_seconds() * 1e6))
        )

    def lacking(make: Any) -> Any:
        return lambda: None if rng.random() < 0.25 else make()

    makers: dict[str, Any] = {
        "wide": number, "wild": lacking(number), "share": tame, "level": lacking(tame),
        "big": integer, "small": lambda: rng.randint(-10, 10),
        "rank": lacking(lambda: rng.randint(-10, 10)),
        "on": lambda: rng.random() < 0.5, "off": lambda: rng.random() < 0.5,
        "ok": lacking(lambda: rng.random() < 0.5), "fine": lacking(lambda: rng.random() < 0.5),
        "word": text, "name": lacking(text), "at": moment, "until": lacking(moment),
        "seen": moment, "met": lacking(moment),
    }  # fmt: skip
    data = {n: [make() for _ in range(n_rows)] for n, make in makers.items()}
    frame = pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in data.items()})
    for name in ("seen", "met"):
        frame[name] = pd.Series(np.array(data[name], dtype="datetime64[us]")).dt.tz_localize("UTC")
    frame.index = rng.sample(range(100, 1000), n_rows)
    return Sample.validate(frame)


class Learned(Featurizer):
    """What programs learn: a number, a dict, a Series and the edges of bins."""

    def fit(self, frame: pd.DataFrame, target: Any = None) -> "Learned":
        """Learn it."""
        self.median_ = frame["level"].median()
        self.table_ = frame.groupby("word")["share"].mean().to_dict()
        self.lookup_ = frame.groupby("word")["share"].max()
        self.edges_ = np.array([-5.0, -1.0, 1.5, 4.0])
        return self


def featurizer(programs: Sequence[Program]) -> Learned:
    """Return one that runs the programs one after another, its features prefixed by them."""
    functions = "\n\n\n".join(p.function for p in programs)
    source = f"{HEADER}\n\n{functions}\n"
    name = f"programs-{programs[0].seed}.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = types.ModuleType(name)
    exec(compile(source, name, "exec"), vars(module))  # noqa: S102
    runs = {p.seed: getattr(module, f"program_{p.seed}") for p in programs}

    class Programs(Learned):
        def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
            made = [run(self, frame).add_prefix(f"p{seed} ") for seed, run in runs.items()]
            return pd.concat(made, axis=1)

    fitted = Programs()
    fitted.runs = runs
    return fitted.fit(sample(0, wild=False))


def by_pandas(values: pd.Series, term: Term | None) -> np.ndarray:
    """Return a feature as an encoder sees it: float64, text, or whole microseconds."""
    values = values.reset_index(drop=True)
    is_missing = values.isna().to_numpy()
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else ""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values, kind = values.dt.tz_convert("UTC").dt.tz_localize(None), "M"
    if kind in "Mm" and kind:
        micros = (
            values.to_numpy()
            .astype(f"{'datetime' if kind == 'M' else 'timedelta'}64[us]")
            .astype("int64")
        )
        return np.where(is_missing, NO_INTEGER, micros)
    items = values.astype(object)
    if (term is not None and term.kind in ("text", "label")) or any(
        isinstance(i, str) for i in items
    ):
        return items.where(~is_missing, NO_TEXT).to_numpy()
    return items.where(~is_missing, np.nan).to_numpy().astype("float64")


def session(compiled: Compiled) -> onnxruntime.InferenceSession:
    """Return the graph, ready to run on one core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(compiled.graph, options, providers=["CPUExecutionProvider"])


def by_graph(
    compiled: Compiled, run: onnxruntime.InferenceSession, rows: ColumnRows
) -> dict[str, np.ndarray]:
    """Return the features (n_rows,) of rows by the compiled graph."""
    blocks = {block: getattr(rows, block)(names) for block, names in compiled.inputs.items()}
    names = [output.name for output in run.get_outputs()]
    return {
        n.removeprefix("feature "): v[:, 0]
        for n, v in zip(names, run.run(names, blocks), strict=True)
    }


def difference(expected: np.ndarray, found: np.ndarray, *, is_exact: bool) -> np.ndarray:
    """Return which rows differ."""
    if expected.dtype.kind != "f" or found.dtype.kind != "f":
        return np.array(
            [
                type(a) is not type(b) or a != b
                for a, b in zip(expected.tolist(), found.tolist(), strict=True)
            ],
            dtype=bool,
        )
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    if not is_exact:
        with np.errstate(all="ignore"):
            same |= np.abs(expected - found) <= 1e-12 * np.abs(expected) + 1e-15
    return ~same
