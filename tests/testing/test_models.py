"""The checks of a model pass where it does what they say, and name what it does not."""

import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier

from mlkit.core.errors import CheckError
from mlkit.testing import check_direction, check_invariance, check_learns


class LosesHours(TransformerMixin, BaseEstimator):
    """An encoder that loses one feature."""

    def fit(self, frame, target=None):
        """Learn nothing."""
        return self

    def transform(self, frame):
        """Return the numbers but one."""
        numbers = frame.select_dtypes("number").drop(columns="departure_hour")
        return numbers.fillna(0).to_numpy()


def test_a_pipeline_that_learns_passes(trainer, flights):
    """The default one knows an answer that any of its numbers tells."""
    check_learns(trainer, flights)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": LosesHours()}, "not learn an answer that departure_hour alone tells"),
        ({"estimator": DummyClassifier()}, r"AUC is 0\.50, at least 0\.9"),
    ],
)
def test_a_pipeline_that_loses_a_feature_is_named(build, flights, changes, message):
    """An encoder that drops it, and an estimator that learns nothing."""
    with pytest.raises(CheckError, match=message):
        check_learns(build(**changes), flights)


def test_there_must_be_an_answer_to_plant(trainer, flights):
    """Rows that are all alike are refused, and not passed."""
    alike = flights.assign(
        **{name: flights[name].iloc[0] for name in flights if name != "arr_delay"}
    )
    # In time nothing can be held out of one moment.
    moments = pd.date_range("2013-01-01 10:00", periods=len(flights), freq="7D", unit="us")
    with pytest.raises(CheckError, match="no answer to plant"):
        check_learns(trainer, alike.assign(scheduled_departure=moments))


def test_invariance_counts_what_changes(predictor, flights):
    """The plane's key changes nothing; the hour changes predictions, which are counted."""
    rows = flights.head(50)
    check_invariance(predictor, rows, lambda frame: frame.assign(tailnum="N0"))

    def later(frame):
        return frame.assign(
            scheduled_departure=frame["scheduled_departure"] + pd.Timedelta(hours=9)
        )

    with pytest.raises(CheckError, match=r"later must leave predictions alone, but changes \d+ of"):
        check_invariance(predictor, rows, later)


def test_direction_is_of_the_mean(predictor, flights):
    """Evenings are later than mornings, and mornings are not later than evenings."""
    day = flights["scheduled_departure"].dt.normalize()
    morning = flights.assign(scheduled_departure=day + pd.Timedelta(hours=7))
    evening = flights.assign(scheduled_departure=day + pd.Timedelta(hours=20))
    check_direction(predictor, morning, lambda _: evening)
    with pytest.raises(CheckError, match="must raise the mean prediction"):
        check_direction(predictor, evening, lambda _: morning)
