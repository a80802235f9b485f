"""The conformance suite finds each way to break a Featurizer's contract."""

import numpy as np
import pandas as pd
import pytest

from mlkit import Featurizer, Schema, column
from mlkit.core.errors import FeaturizerError
from mlkit.testing import check_featurizer


class Row(Schema):
    """One row."""

    x: float | None
    y: float
    kind: str
    answer: float | None = column(role="outcome")


FRAME = pd.DataFrame(
    {
        "x": np.linspace(0, 1, 60),
        "y": np.linspace(1, 2, 60),
        "kind": ["a", "b"] * 30,
        "answer": 0.5,
    }
)


class Good(Featurizer):
    """Learns a mean and keeps its contract."""

    def fit(self, frame, target=None):
        """Learn the mean."""
        self.mean_ = frame["x"].mean()
        return self

    def transform(self, frame):
        """Compare with what was learned."""
        return pd.DataFrame(
            {"above": frame["x"] > self.mean_, "kind": frame["kind"].str.upper(), "y": frame["y"]}
        )


def test_accepts_a_featurizer_that_keeps_its_contract():
    """A fitted, stateless-at-scoring featurizer passes."""
    check_featurizer(Good(), FRAME, Row)


class _Stateful(Good):
    calls = 0


def centred(self, frame):
    """Use the batch's mean."""
    return frame[["x"]] - frame["x"].mean()


def ranked(self, frame):
    """Use the position in the batch."""
    return pd.DataFrame({"n": np.arange(len(frame))}, index=frame.index)


def counted(self, frame):
    """Differ from call to call."""
    type(self).calls += 1
    return frame[["x"]] + type(self).calls


def indexed(self, frame):
    """Use the index's labels."""
    return pd.DataFrame({"n": [str(label) for label in frame.index]}, index=frame.index)


def mutated(self, frame):
    """Change what was given."""
    frame["x"] = 0.0
    return frame[["x"]]


def dummies(self, frame):
    """Make columns of what is there."""
    return pd.get_dummies(frame[["kind"]])


def looked_up(self, frame):
    """Know only known values."""
    known = {"a": 1, "b": 2}
    return frame[[]].assign(k=[known[kind] for kind in frame["kind"]])


def whole(self, frame):
    """Fail on missing values."""
    return pd.DataFrame({"x": frame["x"].astype(int)})


def first(self, frame):
    """Fail on an empty frame."""
    return frame[["x"]].assign(first=lambda f: f["x"] * 0 + len(str(f["x"].iloc[0] * 0)))


def peeked(self, frame):
    """Read the outcome."""
    return frame[["answer"]]


def nothing(self, frame):
    """Return no columns."""
    return frame[[]]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (centred, "rows one by one must give the same features, but x of row"),
        (ranked, "rows one by one must give the same features"),
        (counted, "two calls must give the same features"),
        (indexed, "rows with another index must give the same features"),
        (mutated, "changes the frame"),
        (dummies, "must give the same columns"),
        (looked_up, "an unseen kind must survive"),
        (whole, "a missing x must survive"),
        (first, "an empty frame must survive"),
        (peeked, "reads answer, which it is not given"),
        (nothing, "returns no columns"),
    ],
)
def test_names_the_rule_that_is_broken(transform, message):
    """Each breach is found, and the message says which rule and where."""
    broken = type("Broken", (_Stateful,), {"transform": transform})
    with pytest.raises(FeaturizerError, match=message):
        check_featurizer(broken(), FRAME, Row)
