"""The default encoder takes any frame of features, and is a scikit-learn transformer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from mlkit import Featurizer, TableEncoder
from mlkit.core.errors import FeaturizerError
from mlkit.training.encoding import MomentParts


class Identity(Featurizer):
    """Features that are what they were made from."""

    def transform(self, frame):
        """Return the rows as they are."""
        return frame


#: Checks that cannot hold, each with the reason.
EXPECTED_FAILURES = {
    Identity: {
        "check_transformer_data_not_an_array": "a Featurizer takes frames, not whatever converts",
        "check_fit2d_predict1d": "the contract is held on frames only; these are bare arrays",
        "check_n_features_in_after_fitting": "columns are read by name, so more of them are fine",
        "check_fit_score_takes_y": "`fit` calls its second argument target, as the design does",
    },
}


@parametrize_with_checks(
    [TableEncoder(), TableEncoder(numbers="standardize"), Identity()],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator), {}),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_keeps_scikit_learns_contract(estimator, check):
    """Every check that scikit-learn has for transformers passes."""
    check(estimator)


def features(n_rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features of each kind with missing values, and a binary target."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.normal(5, 2, n_rows),
            "whole": rng.integers(0, 9, n_rows),
            "flag": rng.integers(0, 2, n_rows).astype(bool),
            "few": rng.choice(["a", "b", "c"], n_rows),
            "many": rng.choice([f"v{i}" for i in range(60)], n_rows),
            "moment": pd.Timestamp("2024-01-31 13:00")
            + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
        }
    )
    frame.loc[::7, ["number", "few", "many", "moment"]] = None
    return frame, rng.integers(0, 2, n_rows)


@pytest.mark.parametrize("numbers", ["passthrough", "standardize"])
def test_unknown_and_missing_values_survive_scoring(numbers):
    """Values that training never saw, and missing ones anywhere, give finite columns or NaN."""
    frame, target = features()
    encoder = TableEncoder(numbers=numbers, random_state=0).fit(frame, target)
    odd = frame.head(4).assign(few="never", many=["never", None, "v1", "v2"], moment=pd.NaT)
    odd["number"] = np.nan
    encoded = encoder.transform(odd)
    assert encoded.shape == (4, len(encoder.get_feature_names_out()))
    assert np.isfinite(encoded).all() == (numbers == "standardize")
    assert not np.isinf(encoded).any()


def test_encodes_by_kind():
    """Numbers pass, few values get a column each, many a mean, datetimes their parts."""
    frame, target = features()
    encoder = TableEncoder(random_state=0).fit(frame, target)
    assert set(encoder.get_feature_names_out()) == {
        *("number", "whole", "flag"),
        *("few_a", "few_b", "few_c", "few_None"),
        "many",
        *("moment_month", "moment_day", "moment_day_of_week", "moment_hour"),
    }
    encoded = pd.DataFrame(encoder.transform(frame), columns=encoder.get_feature_names_out())
    np.testing.assert_array_equal(encoded["number"], frame["number"])
    np.testing.assert_array_equal(encoded["few_a"], frame["few"] == "a")
    np.testing.assert_array_equal(encoded["moment_day"], frame["moment"].dt.day)
    assert encoded["moment_hour"].dropna().eq(13).all()


@pytest.mark.parametrize("target", [[0, 1, 2] * 100, np.linspace(0, 1, 300)])
def test_many_values_are_encoded_as_scikit_learn_does(target):
    """A multiclass target gives a column a class, a continuous one a single mean."""
    frame, _ = features()
    target = np.asarray(target)
    encoder = TableEncoder(random_state=0).fit(frame[["many"]], target)
    kind = "continuous" if target.dtype.kind == "f" else "multiclass"
    values = frame[["many"]].astype(object).where(frame[["many"]].notna(), None)
    reference = TargetEncoder(target_type=kind).fit(values, target)
    np.testing.assert_allclose(encoder.transform(frame[["many"]]), reference.transform(values))


def test_training_rows_do_not_see_their_own_target():
    """A value that occurs once is encoded by the others' mean in training, so it cannot leak."""
    values = pd.DataFrame({"id": [f"id{i}" for i in range(200)]})
    target = np.random.default_rng(0).integers(0, 2, 200)
    encoded = TableEncoder(random_state=0).fit_transform(values, target)
    assert abs(np.corrcoef(encoded[:, 0], target)[0, 1]) < 0.5


def test_rows_are_encoded_alike_alone_and_together():
    """A row's encoding does not hang on its neighbours, its order, or its frame's dtypes."""
    frame, target = features()
    encoder = TableEncoder(random_state=0).fit(frame, target)
    together = encoder.transform(frame)
    alone = np.vstack([encoder.transform(frame.iloc[[row]]) for row in range(30)])
    np.testing.assert_array_equal(alone, together[:30])
    other_dtypes = frame.astype({"whole": "float32", "few": "category", "flag": "boolean"})
    np.testing.assert_array_equal(encoder.transform(other_dtypes), together)
    assert encoder.transform(frame.iloc[:0]).shape == (0, together.shape[1])


def test_a_column_keeps_its_kind_when_it_is_missing():
    """A row whose text, number or datetime is missing is encoded alone as it is in a batch."""
    frame, target = features()
    encoder = TableEncoder(numbers="standardize", random_state=0).fit(frame, target)
    rows = frame.head(3).assign(**dict.fromkeys(["few", "many", "number", "moment"]))
    for missing in (None, np.nan, pd.NaT):
        alone = rows.assign(**dict.fromkeys(["few", "many", "moment"], missing))
        np.testing.assert_array_equal(encoder.transform(alone), encoder.transform(rows))
    with pytest.raises(FeaturizerError, match="few was a text in training"):
        encoder.transform(rows.assign(few=1.5))


def test_the_same_seed_gives_the_same_encoding():
    """Two fits with one seed agree exactly; clones carry the seed."""
    frame, target = features()
    encoder = TableEncoder(random_state=3)
    once, twice = (clone(encoder).fit_transform(frame, target) for _ in range(2))
    np.testing.assert_array_equal(once, twice)


def test_refuses_features_of_no_known_kind():
    """A list in a cell is named, with its column."""
    frame = pd.DataFrame({"tags": [["a"], ["b"]]})
    with pytest.raises(FeaturizerError, match="tags holds"):
        TableEncoder().fit(frame, [0, 1])


def test_moment_parts_name_their_columns():
    """Each part is named by its column."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-02-29 23:00"])})
    parts = MomentParts().fit(frame)
    assert list(parts.get_feature_names_out()) == [
        "at_month",
        "at_day",
        "at_day_of_week",
        "at_hour",
    ]
    np.testing.assert_array_equal(parts.transform(frame), [[2, 29, 3, 23]])
