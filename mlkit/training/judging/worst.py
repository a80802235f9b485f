"""Where a model errs most: parts of the rows that a shallow tree finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

from mlkit.core.column import Column
from mlkit.core.schema import Schema
from mlkit.training.frames import plain_columns
from mlkit.training.judging.slices import Slice

MAX_DEPTH = 3
#: Parts that are told of at most.
MOST_SLICES = 3
#: Values of a text column that the tree may ask for, the most frequent ones.
MOST_VALUES = 10
#: The least share of the rows that a part has.
LEAST_SHARE = 0.02
#: How likely it is that any part is told of though the model errs alike everywhere.
_RISK = 0.05
_MOMENTS = ("month", "day_of_week", "hour")
_LEAF = -1


def worst_slices(
    frame: pd.DataFrame,
    losses: np.ndarray,
    schema: type[Schema],
    *,
    clusters: np.ndarray | None = None,
    least: int,
    seed: int,
) -> list[Slice]:
    """Return the parts on which the model errs more than elsewhere, the worst first.

    They are found on one half of the rows, and the other half decides: its rows
    are what is returned, so that what is said of a part was not what it was
    chosen by. A part is told of if its mean loss is above that of the other rows,
    by a one-sided test that counts whole clusters, at a risk that all parts
    share (Bonferroni).

    Parameters
    ----------
    frame
        Validated rows of `schema`.
    losses
        Each row's (n_rows,).
    schema
        The columns known before are asked for, except keys and personal data.
    clusters
        Whole numbers (n_rows,) from 0: rows of one number are alike, and stay together.
    least
        Rows that a part must have on each half.
    seed
        Of the halves.
    """
    units = np.arange(len(frame)) if clusters is None else clusters
    is_first = np.random.default_rng(seed).permutation(units.max() + 1)[units] % 2 == 0
    questions = [q for column in plain_columns(schema) for q in _questions(column, frame, least)]
    least = max(least, int(LEAST_SHARE * is_first.sum()))
    if not questions or min(is_first.sum(), (~is_first).sum()) < 2 * least:
        return []
    asked = np.column_stack([question.filled() for question in questions])
    tree = DecisionTreeRegressor(max_depth=MAX_DEPTH, min_samples_leaf=least, random_state=seed)
    tree.fit(asked[is_first], losses[is_first])
    leaves = list(_leaves(tree.tree_, questions))
    found = []
    bound = NormalDist().inv_cdf(1 - _RISK / len(leaves))
    for answers in leaves:
        rows = np.logical_and.reduce([answer.rows for answer in answers], initial=True)
        part = rows[~is_first]
        if least <= part.sum() < len(part) and (
            excess(losses[~is_first], part, units[~is_first]) > bound
        ):
            chosen = Slice(
                name=" and ".join(answer.name for answer in answers),
                column=", ".join(dict.fromkeys(answer.column for answer in answers)),
                rows=np.flatnonzero(rows & ~is_first),
            )
            found.append((losses[chosen.rows].mean(), chosen))
    found.sort(key=lambda each: -each[0])
    return [part for _, part in found[:MOST_SLICES]]


def excess(losses: np.ndarray, part: np.ndarray, units: np.ndarray) -> float:
    """Return by how many standard errors a part's mean loss is above the other rows'.

    The error is of the difference of two means whose rows come in clusters
    (Liang and Zeger, Biometrika 73, 1986).
    """
    inside, outside = losses[part].mean(), losses[~part].mean()
    pulls = np.where(part, (losses - inside) / part.sum(), -(losses - outside) / (~part).sum())
    _, places = np.unique(units, return_inverse=True)
    by_unit = np.bincount(places, pulls)
    n_units = len(by_unit)
    error = np.sqrt((by_unit**2).sum() * n_units / max(n_units - 1, 1))
    return float((inside - outside) / error) if error > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class _Question:
    """A number of each row that the tree may cut; flags are cut between no and yes."""

    name: str
    column: str
    numbers: np.ndarray
    names: tuple[str, str] | None = None

    def filled(self) -> np.ndarray:
        """Return the values, with the median where one is missing."""
        return np.where(np.isnan(self.numbers), np.nanmedian(self.numbers), self.numbers)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """The rows on one side of a cut; one whose value is missing is on neither."""

    name: str
    column: str
    rows: np.ndarray


def _questions(column: Column, frame: pd.DataFrame, least: int) -> Iterator[_Question]:
    values, name = frame[column.name], column.name
    missing = values.isna().to_numpy()

    def flag(is_so: np.ndarray, yes: str, no: str) -> _Question:
        return _Question(name=yes, column=name, numbers=is_so.astype("float64"), names=(no, yes))

    if missing.all():
        return
    if missing.any():
        yield flag(missing, f"{name} is missing", f"{name} is known")
    if column.kind in ("string", "boolean"):
        counts = values.value_counts()
        for value in counts[counts >= least].index[:MOST_VALUES]:
            is_so = (values == value).fillna(value=False).to_numpy(dtype="bool")
            yield flag(is_so, f"{name}={value}", f"{name}≠{value}")
    elif column.kind == "datetime":
        local = values.dt.tz_localize(None) if column.tz else values
        for part in _MOMENTS:
            numbers = getattr(local.dt, part).to_numpy(dtype="float64")
            yield _Question(name=f"{part} of {name}", column=name, numbers=numbers)
    else:
        yield _Question(name=name, column=name, numbers=values.to_numpy(dtype="float64"))


def _leaves(
    tree: Any, questions: Sequence[_Question], node: int = 0, path: Any = None
) -> Iterator[list[_Answer]]:
    """Yield what is answered on the way to each leaf; of one question and side, the last."""
    path = path or {}
    if tree.children_left[node] == _LEAF:
        yield list(path.values())
        return
    place, threshold = tree.feature[node], tree.threshold[node]
    for side, child in enumerate((tree.children_left[node], tree.children_right[node])):
        answer = _answer(questions[place], threshold, side)
        yield from _leaves(tree, questions, child, {**path, (place, side): answer})


def _answer(question: _Question, threshold: float, side: int) -> _Answer:
    if question.names is not None:
        name, bound = question.names[side], 0.5
    else:
        # What the name says is what the rows hold to.
        text = f"{threshold:.4g}"
        name, bound = f"{question.name} {'>' if side else '≤'} {text}", float(text)
    is_above = question.numbers > bound
    is_below = question.numbers <= bound
    return _Answer(name=name, column=question.column, rows=is_above if side else is_below)
