"""A banned column is one that the model must not read, in whatever way."""

import pandas as pd
import pytest

from mlkit import Evaluator, Featurizer
from mlkit.core.errors import ConfigError
from mlkit.training.judging.banned import read_columns


class Reader(Featurizer):
    """Reads one column, looks whether another is there, and asks for a third in vain."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return features of what is read."""
        features = pd.DataFrame({"distance": frame["distance"]})
        if "origin" in frame:
            features["is_newark"] = frame["origin"] == "EWR"
        frame["dest"]  # read, though nothing comes of it
        return features


@pytest.fixture(scope="module")
def model(build, flights):
    """Return a model that reads three columns."""
    return build(featurizer=Reader()).fit(flights)


def test_columns_that_are_read_are_named(model, flights):
    """Needed, used where there, or only looked up; but none of the others."""
    frame = model.schema.validate(flights)
    names = ["carrier", "distance", "origin", "dest", "arr_delay"]
    assert read_columns(model, frame, names) == ["distance", "origin", "dest"]


def test_reading_a_banned_column_fails_the_gate(model, flights):
    """The verdict names those that are read."""
    found = Evaluator(n_resamples=0, banned=["carrier", "origin"]).evaluate(model, flights)
    assert not found.passed
    assert "the number of banned columns that are read (origin) is 1, at most 0" in found.summary()
    assert Evaluator(n_resamples=0, banned=["carrier"]).evaluate(model, flights).passed


@pytest.mark.parametrize("settings", [{"banned": ["tail"]}, {"slices": ["tail"]}])
def test_a_column_that_the_schema_lacks_is_refused(model, settings):
    """With the nearest that it has."""
    with pytest.raises(ConfigError, match="tail"):
        Evaluator(**settings).check_columns(model.schema)
