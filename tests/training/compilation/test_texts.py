# ruff: noqa: RUF001 (Greek letters are what is tested)
"""Text changes case in a graph as in pandas, the one letter included that looks around."""

import pandas as pd
import pytest
from graphs_of_tests import featurizer, graph_of
from hypothesis import example, given
from hypothesis import strategies as st

from mlkit import Schema
from mlkit.core.rows import read_table


class Word(Schema):
    """A word."""

    word: str | None


def changed(self, frame):
    """Return what each case makes of words, and which of some words they then are."""
    lower = frame["word"].str.lower()
    return pd.DataFrame(
        {
            "lower": lower.fillna("none"),
            "upper": frame["word"].str.upper().fillna("none"),
            "is a way": lower.isin(["οδος", "οδοσ", "σ", "α.σ."]).astype(float),
        }
    )


@pytest.fixture(scope="module")
def graph():
    """Return what changes case by the compiled graph."""
    return graph_of(featurizer(changed), Word)


@given(words=st.lists(st.text("ΣΣσςΑαa.' \u0301\u00ad-\nß", max_size=6), min_size=1, max_size=20))
@example(words=["ΟΔΟΣ", "ΟΔΟΣ ΟΔΟΣ", "Α.Σ.", "Α.Σ.Α", "ΣΣ", "Σ", "οδοσ", "ΑΣ\u00ad", "Α'Σ'Α", ""])
def test_a_sigma_that_ends_a_word(graph, words):
    """It is ς where pandas takes Python's rule, as before pandas 3, and σ where it does not."""
    frame = pd.DataFrame({"word": [*words, None]})
    expected = changed(None, Word.validate(frame))
    found = graph(read_table(Word, frame))
    assert pd.DataFrame(found).to_dict("list") == expected.to_dict("list")
