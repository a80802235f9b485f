"""Hold records column by column, and each column against its schema."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from mlkit.core.arrays import check_array, read_array
from mlkit.core.column import Column
from mlkit.core.records import broken_rule, plain
from mlkit.core.rows import ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that some of a column's values break."""

    column: str
    rule: str
    is_broken: np.ndarray


class Records:
    """Records under their columns' names.

    Parameters
    ----------
    columns
        An Arrow table; or a frame, whose columns may hold what no such table does.
    hidden
        Columns of which nothing is ever told: where one is absent, no rule is broken.
    """

    def __init__(
        self, columns: pa.Table | pd.DataFrame, hidden: frozenset[str] = frozenset()
    ) -> None:
        self._columns = columns
        self.hidden = hidden
        is_frame = isinstance(columns, pd.DataFrame)
        self.names = list(columns.columns if is_frame else columns.column_names)

    def __len__(self) -> int:
        return len(self._columns)

    def _values(self, name: str) -> pd.Series:
        """Return a column (n_rows,) as it is."""
        found = self._columns[name]
        if isinstance(found, pd.Series):
            return found
        if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
            return pd.Series(_texts(found), dtype=object)
        series: pd.Series = found.to_pandas()
        return series

    def rows(self, places: np.ndarray) -> "Records":
        """Return some of the records, by their places or by a mask (n_rows,)."""
        if isinstance(self._columns, pd.DataFrame):
            return Records(
                self._columns[places] if places.dtype == bool else self._columns.iloc[places],
                self.hidden,
            )
        places = np.flatnonzero(places) if places.dtype == bool else places
        return Records(self._columns.take(places), self.hidden)

    def checked(self, column: Column) -> tuple[np.ndarray, list[Breach]]:
        """Return a column's checked values, and what it breaks; broken values are missing."""
        optional = replace(column, nullable=True)
        if column.name not in self.names:
            values = np.full(len(self), None).astype(optional.dtype)
            if column.nullable or column.name in self.hidden:
                return values, []
            is_broken = np.ones(len(self), dtype=bool)
            return values, [Breach(column=column.name, rule=ABSENT, is_broken=is_broken)]
        series = self._values(column.name)
        found, aware = read_array(series)
        values, violations = check_array(column, found, aware=aware)
        if not violations:
            return values, []
        rules = np.array(
            [broken_rule(column, plain(v, column)) or "" for v in series], dtype=object
        )
        breaches = [
            Breach(column=column.name, rule=rule, is_broken=rules == rule)
            for rule in dict.fromkeys(rules)
            if rule
        ]
        kept = series.astype(object).where(rules == "", None)
        values, _ = check_array(optional, read_array(kept)[0], aware=aware)
        return values, breaches


def _texts(found: pa.ChunkedArray) -> np.ndarray:
    """Return texts as objects, None where missing; equal ones are one object."""
    encoded = found.combine_chunks().dictionary_encode()
    kinds = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    texts: np.ndarray = kinds[encoded.indices.fill_null(len(kinds) - 1).to_numpy()]
    return texts
