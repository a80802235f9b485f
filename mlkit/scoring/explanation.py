"""Say what moved one prediction, by the columns that its record has.

By columns, not by features: who asks knows the record, and features of one column
do not vary apart. So it needs nothing but what scores, compiled or not.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from mlkit.core.log import REDACTED
from mlkit.core.rows import ColumnRows, Rows
from mlkit.core.schema import Schema
from mlkit.core.table import Table

#: Pairs of orders in which the columns are made known.
N_PAIRS = 25


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """How far one column moved a score.

    Attributes
    ----------
    column
        Its name.
    value
        What the record holds; `[redacted]` for personal data.
    effect
        By how much the score is higher for it: a probability, or in the target's unit.
    """

    column: str
    value: Any
    effect: float


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What moved one prediction away from that of other rows.

    Attributes
    ----------
    model
        Name and digest of the bundle that answered.
    label
        The class whose probability the score is; None for a regression.
    score
        What the model says of the record.
    expected
        What it says of the golden rows on average.
    effects
        One for each column, the largest first; they add up to `score - expected`.
    """

    model: str
    label: Any
    score: float
    expected: float
    effects: tuple[Effect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def table(self) -> str:
        """Return it as a table, without columns that moved nothing."""
        what = "prediction" if self.label is None else f"probability of {self.label}"
        moved = (
            (
                each.column,
                "missing" if each.value is None else str(each.value),
                f"{each.effect:+.4g}",
            )
            for each in self.effects
            if each.effect
        )
        ends = (
            ("golden rows, on average", "", f"{self.expected:.4g}"),
            (what, "", f"{self.score:.4g}"),
        )
        return Table(head=("column", "value", "effect"), rows=(*moved, *ends), n_texts=2).plain()


def effects(
    scores: Callable[[Rows], np.ndarray],
    schema: type[Schema],
    record: Rows,
    background: Rows,
    *,
    n_pairs: int = N_PAIRS,
    seed: int = 0,
) -> tuple[float, float, dict[str, float]]:
    """Return a record's score, the background's mean score, and each column's effect.

    The effects are Shapley values: what a column changes when it becomes known,
    on average over the orders in which columns may. Unknown ones are taken from
    a row of the background. Orders are drawn, each with its reverse, which halves
    the error at least where effects add up; for each row of the background the
    effects add up exactly in every order. After Strumbelj and Kononenko,
    "Explaining prediction models and individual predictions with feature
    contributions", Knowledge and Information Systems 41, 2014.

    Parameters
    ----------
    scores
        Gives rows (n_rows,) of scores.
    schema
        What the rows are.
    record
        One row.
    background
        The rows that it is held against.
    n_pairs
        Pairs of orders; every column of each costs a score of each background row.
    seed
        Of the orders.
    """
    names = schema.names(known_before=True)
    own = {name: record.column(name) for name in names}
    others = {name: background.column(name) for name in names}
    n_rows = len(background)
    total = np.zeros(len(names))
    rng = np.random.default_rng(seed)
    for order in _orders(rng, len(names), n_pairs):
        places = np.argsort(order)
        # Of every row of the background, as many copies as there are steps, and one before.
        is_known = {
            name: np.repeat(np.arange(len(names) + 1) > place, n_rows)
            for name, place in zip(names, places, strict=True)
        }
        mixed = ColumnRows(_mixed(own, others, is_known, len(names) + 1))
        path = scores(mixed).reshape(len(names) + 1, n_rows).mean(axis=1)
        total[order] += np.diff(path)
    found = total / (2 * n_pairs)
    return float(path[-1]), float(path[0]), dict(zip(names, found.tolist(), strict=True))


def _orders(rng: np.random.Generator, n_columns: int, n_pairs: int) -> Iterator[np.ndarray]:
    for _ in range(n_pairs):
        order = rng.permutation(n_columns)
        yield order
        yield order[::-1]


def _mixed(
    own: Mapping[str, np.ndarray],
    others: Mapping[str, np.ndarray],
    is_known: Mapping[str, np.ndarray],
    n_copies: int,
) -> dict[str, np.ndarray]:
    return {
        name: np.where(is_known[name], own[name], np.tile(others[name], n_copies)) for name in own
    }


def explanation(
    scores: Callable[[Rows], np.ndarray],
    schema: type[Schema],
    record: Rows,
    background: Rows,
    *,
    model: str,
    classes: list[Any],
) -> Explanation:
    """Explain the score of a record: of a binary target's positive class, else the likeliest."""
    place, label = None, classes[-1] if classes else None
    if len(classes) > 2:
        place = int(scores(record)[0].argmax())
        label = classes[place]

    def of_label(rows: Rows) -> np.ndarray:
        found = scores(rows)
        return found if place is None else found[:, place]

    score, expected, by_column = effects(of_label, schema, record, background)
    told = [
        Effect(column=name, value=_value(schema, record, name), effect=effect)
        for name, effect in sorted(by_column.items(), key=lambda each: -abs(each[1]))
    ]
    return Explanation(
        model=model, label=label, score=score, expected=expected, effects=tuple(told)
    )


def _value(schema: type[Schema], record: Rows, name: str) -> Any:
    if schema.columns[name].pii:
        return REDACTED
    value = record.column(name).tolist()[0]
    return None if value != value or value is None else value
