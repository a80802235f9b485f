"""What pandas and the compiled graph make of programs."""

import linecache
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from graphs_of_tests import graph_of

from mlkit import Featurizer
from mlkit.core.rows import NO_INTEGER, NO_TEXT, read_table
from mlkit.training.compilation.errors import Untraceable
from programs.rows import sample
from programs.writer import Sample, Term
from programs.writing import Program

_HEADER = """
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
"""


class Learned(Featurizer):
    """What programs learn: a number, a dict, a Series and the edges of bins."""

    def fit(self, frame: pd.DataFrame, target: Any = None) -> "Learned":
        """Learn it."""
        self.median_ = frame["level"].median()
        self.table_ = frame.groupby("word")["share"].mean().to_dict()
        self.lookup_ = frame.groupby("word")["share"].max()
        self.edges_ = np.array([-5.0, -1.0, 1.5, 4.0])
        return self


class Programs(Learned):
    """Runs programs one after another; features are named after them."""

    def __init__(self, programs: Sequence[Program] = ()) -> None:
        self.programs = programs

    def fit(self, frame: pd.DataFrame, target: Any = None) -> "Programs":
        """Learn what the programs need, and read their source."""
        super().fit(frame, target)
        source = _HEADER + "".join(f"\n\n{program.function}\n" for program in self.programs)
        name = f"programs_from_{self.programs[0].seed}.py"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        module = types.ModuleType(name)
        exec(compile(source, name, "exec"), vars(module))  # noqa: S102
        self.functions_ = {p.seed: getattr(module, f"program_{p.seed}") for p in self.programs}
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of every program."""
        made = [f(self, frame).add_prefix(f"{seed} ") for seed, f in self.functions_.items()]
        return pd.concat(made, axis=1)


@dataclass(frozen=True)
class Difference:
    """Where pandas and the graph do not agree, printed as code."""

    program: Program
    feature: str
    what: str

    def __str__(self) -> str:
        return f"{self.feature}: {self.what}\n\n{self.program.function}\n"


def differences(programs: Sequence[Program], frames: Sequence[pd.DataFrame]) -> list[Difference]:
    """Compile the programs, and return where the graph gives other features than pandas.

    Rows for which pandas raises, as where a moment leaves its range, are left out.
    """
    featurizer = Programs(programs).fit(sample(0, wild=False))
    try:
        features_of = graph_of(featurizer, Sample)
    except (Untraceable, RuntimeError) as error:
        if len(programs) == 1:
            return [Difference(programs[0], "all", str(error))]
        return [d for program in programs for d in differences([program], frames)]
    found = []
    for frame in frames:
        rows = read_table(Sample, frame)
        features = features_of(rows)
        for program in programs:
            found += _of_program(program, featurizer, frame, features)
        single = features_of(rows[:1])
        for program in programs:
            for name, term in program.terms.items():
                values = [side[f"{program.seed} {name}"][:1] for side in (features, single)]
                if _differs(*values, is_exact=term.is_exact).any():
                    found.append(
                        Difference(program, name, f"among many {values[0]}, alone {values[1]}")
                    )
    return found


def _of_program(
    program: Program,
    featurizer: Programs,
    frame: pd.DataFrame,
    features: dict[str, np.ndarray],
) -> Iterator[Difference]:
    try:
        with np.errstate(all="ignore"):
            expected = featurizer.functions_[program.seed](featurizer, frame)
    except (
        OverflowError,
        pd.errors.OutOfBoundsDatetime,
        pd.errors.OutOfBoundsTimedelta,
        pd.errors.IntCastingNaNError,
    ):
        return
    for name in expected.columns:
        term = program.terms.get(name)
        by_pandas = as_encoded(expected[name], term)
        by_graph = features[f"{program.seed} {name}"]
        differs = _differs(by_pandas, by_graph, is_exact=term is None or term.is_exact)
        if differs.any():
            what = f"pandas {by_pandas[differs][:3]}, graph {by_graph[differs][:3]}"
            yield Difference(program, name, f"{what}, rows {np.flatnonzero(differs)[:3]}")
            # What follows from it differs as well.
            return


def as_encoded(values: pd.Series, term: Term | None) -> np.ndarray:
    """Return a feature as an encoder sees it: float64, text, or whole microseconds."""
    is_missing = values.isna().to_numpy()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if values.dtype.kind in "mM":
        array = values.to_numpy()
        micros = array.astype(array.dtype.str[:2] + "8[us]").astype("int64")
        return np.where(is_missing, NO_INTEGER, micros)
    items = values.astype(object)
    if (term is not None and term.kind in ("text", "label")) or isinstance(items.iloc[0], str):
        return items.where(~is_missing, NO_TEXT).to_numpy()
    return items.where(~is_missing, np.nan).to_numpy().astype("float64")


def _differs(expected: np.ndarray, found: np.ndarray, *, is_exact: bool = True) -> np.ndarray:
    """Return which rows differ, by more than the last digits where it is not exact."""
    if expected.dtype.kind != "f" or found.dtype.kind != "f":
        pairs = zip(expected.tolist(), found.tolist(), strict=True)
        return np.array([type(a) is not type(b) or a != b for a, b in pairs], dtype=bool)
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    if not is_exact:
        with np.errstate(all="ignore"):
            same |= np.abs(expected - found) <= 1e-12 * np.abs(expected) + 1e-15
    return ~same
