"""Whole numbers divide in a graph as in pandas, at their ends too."""

import numpy as np
import pandas as pd
import pytest
from graphs_of_tests import featurizer, graph_of
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Schema
from mlkit.core.rows import read_table
from mlkit.training.compilation.compiler import compile_features
from mlkit.training.compilation.errors import Untraceable


class Pair(Schema):
    """Two whole numbers; a thousandth of the least, because schemas hold no more."""

    left: int
    right: int


LEAST = -(2**53)
whole = st.sampled_from([LEAST, -7, -1, 0, 1, 7, 2**53 - 1]) | st.integers(LEAST, 2**53)


def divided(self, frame):
    """Return quotients and rests, of numbers as large as there are."""
    left, right = frame["left"] * 1024, frame["right"]
    return pd.DataFrame(
        {
            "whole": left // right,
            "rest": left % right,
            "whole by -1": left // -1,
            "rest by -1": left % -1,
            "whole by 0": left // 0,
            "rest by 0": left % 0,
            "of one": np.int64(-(2**63)) // right,
            "of short": left.astype("int32") // right.astype("int32"),
        }
    )


@pytest.fixture(scope="module")
def graph():
    """Return what divides by the compiled graph."""
    return graph_of(featurizer(divided), Pair)


@given(pairs=st.lists(st.tuples(whole, whole), min_size=1, max_size=20))
def test_any_whole_number_by_any_other(graph, pairs):
    """The least by -1, for which processors have no answer, and all by zero."""
    frame = pd.DataFrame([(LEAST, -1), *pairs], columns=["left", "right"])
    with np.errstate(all="ignore"):
        expected = divided(None, frame).astype("float64")
    found = pd.DataFrame(graph(read_table(Pair, frame)))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("micros", [-1, 0])
def test_a_span_by_a_span_that_divides_nothing_does_not_compile(micros):
    """A missing span is held as the least whole number."""

    def transform(self, frame):
        span = pd.to_timedelta("1s") * frame["left"]
        return pd.DataFrame({"whole": span // pd.Timedelta(micros, "us")})

    with pytest.raises(Untraceable, match="a span divided by"):
        compile_features(featurizer(transform), Pair)
