"""A target says what is predicted, and refuses answers that do not fit."""

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, Target, column
from mlkit.core.errors import ConfigError, DataError


class Row(Schema):
    """One row."""

    x: float
    delay: float | None = column(role="outcome")
    kind: str | None = column(role="target")


def answers(*values: object) -> pd.Series:
    """Return answers as a labelled column."""
    return pd.Series(list(values))


def test_edges_cut_a_number_into_classes():
    """A value on an edge belongs to the class above it; a missing one has no class."""
    frame = pd.DataFrame({"delay": [29.9, 30, np.nan, 100]})
    binary = Target(task="binary", column="delay", edges=(30,)).values(frame)
    assert binary.tolist() == [False, True, None, True]
    named = Target(
        task="multiclass", column="delay", edges=(30, 60), labels=("on time", "late", "very late")
    )
    assert named.values(frame).tolist() == ["on time", "late", None, "very late"]


@pytest.mark.parametrize(
    ("target", "values", "classes"),
    [
        (Target(task="binary", column="kind"), ["yes", "no"], ("no", "yes")),
        (Target(task="binary", column="kind", positive="no"), ["yes", "no"], ("yes", "no")),
        (Target(task="binary", column="kind"), [True, False], (False, True)),
        (Target(task="multiclass", column="kind"), ["c", "a", "b", "a"], ("a", "b", "c")),
        (
            Target(task="multiclass", column="delay", edges=(1,), labels=("low", "high")),
            ["high", "low"],
            ("low", "high"),
        ),
        (Target(task="regression", column="delay"), [1.5, 2.5], ()),
        (Target(task="binary", column="kind", positive=1), [True, False], (False, True)),
        (Target(task="binary", column="kind"), [0.0, 1.0], (0, 1)),
    ],
)
def test_classes_are_in_a_stated_order(target, values, classes):
    """Sorted, or as the labels are named; the positive one last; none for a regression."""
    assert target.classes(answers(*values)) == classes


@pytest.mark.parametrize(
    ("target", "values", "message"),
    [
        (Target(task="binary", column="kind"), [], "No row has a value"),
        (Target(task="binary", column="kind"), ["a", "a"], "constant"),
        (Target(task="regression", column="delay"), [1.0, 1.0], "constant"),
        (Target(task="binary", column="kind"), ["a", "b", "c"], "two labels.* has 3"),
        (Target(task="regression", column="kind"), ["a", "b"], "needs numbers"),
        (Target(task="multiclass", column="delay"), range(101), "101 distinct"),
        (
            Target(task="multiclass", column="delay"),
            [x / 2 for x in range(30)],
            "30 distinct values, which looks like a regression",
        ),
        (Target(task="binary", column="kind", positive="z"), ["a", "b"], "'z' is not among"),
    ],
)
def test_refuses_answers_that_do_not_fit_the_task(target, values, message):
    """The error says what the answers are and what the task needs."""
    with pytest.raises(DataError, match=message):
        target.classes(answers(*values))


def test_whole_numbers_that_may_be_missing_are_codes():
    """A class that pandas holds as 1.0 is the class 1, and gets its code."""
    target = Target(task="multiclass", column="kind")
    found = answers(2.0, 0.0, 1.0)
    assert target.codes(found, target.classes(found)).tolist() == [2, 0, 1]


def test_refuses_unknown_labels():
    """A label that the model does not know is named."""
    with pytest.raises(DataError, match="unknown labels maybe"):
        Target(task="binary", column="kind").codes(answers("yes", "maybe"), ("no", "yes"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "ranking"}, "task must be one of"),
        ({"task": "regression", "edges": (1,)}, "leave out target.edges"),
        ({"task": "binary", "edges": (1, 2)}, "one edge"),
        ({"task": "multiclass", "edges": (2, 1)}, "must ascend"),
        ({"task": "multiclass", "edges": (1, 2), "labels": ("a", "a", "b")}, "must differ"),
        ({"task": "multiclass", "edges": (1, 2)}, "Name the classes"),
        ({"task": "multiclass", "edges": (1, 2), "labels": ("a", "b")}, "3 classes"),
    ],
)
def test_refuses_settings_that_do_not_fit_together(arguments, message):
    """Edges, labels and task must agree."""
    with pytest.raises(ConfigError, match=message):
        Target(column="delay", **arguments)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target(task="regression", column="x"), "read the answer"),
        (Target(task="regression", column="delya"), "Did you mean delay"),
        (Target(task="binary", column="kind", edges=(1,)), "cut a number"),
    ],
)
def test_refuses_a_schema_that_shows_the_answer(target, message):
    """A target must be an outcome of the schema, and edges need a number."""
    with pytest.raises(ConfigError, match=message):
        target.check_schema(Row)
