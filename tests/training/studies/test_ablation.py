"""A study of what is lost without each feature, on the training rows alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from mlkit import Evaluator, Featurizer, Schema, Splitter, TableEncoder, Target, Trainer, column
from mlkit.core.errors import FeaturizerError
from mlkit.training.studies.ablation import Ablated, Ablation, ablate


class Reading(Schema):
    """A reading: two numbers, one text, and an answer."""

    strong: float
    idle: float
    site: str
    answer: float = column(role="target")


class ReadingFeaturizer(Featurizer):
    """The columns; what is idle takes long to make, unless nobody asks for it."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        made = frame["idle"]
        for _ in range(40):
            made = np.sin(np.exp(np.sin(made)))
        return pd.DataFrame({"strong": frame["strong"], "idle": made, "site": frame["site"]})


class Plain(Featurizer):
    """The columns as they are."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["strong", "idle", "site"]]


class Alone(Featurizer):
    """One feature, which does not compile."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return pd.DataFrame({"strong": frame["strong"].rank() * 0 + frame["strong"]})


class Two(Alone):
    """Two features, which do not compile."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return Alone.transform(self, frame).assign(idle=frame["idle"])


@pytest.fixture(scope="module")
def readings() -> pd.DataFrame:
    """Return 900 readings whose answer is 2 strong, one more at site a, and noise."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(900, 2)), columns=["strong", "idle"])
    site = rng.choice(["a", "b", "c"], 900)
    answer = 2 * frame["strong"] + (site == "a") + rng.normal(size=900)
    return frame.assign(site=site, answer=answer)


def studied(featurizer: Featurizer, readings: pd.DataFrame) -> Ablation:
    """Study a linear model of the answer."""
    trainer = Trainer(
        schema=Reading,
        target=Target(task="regression", column="answer"),
        featurizer=featurizer,
        estimator=LinearRegression(),
        encoder=TableEncoder(numbers="standardize"),
        splitter=Splitter(),
    )
    return ablate(trainer, Evaluator(n_resamples=60), readings)


def test_what_is_lost_and_what_is_saved(readings):
    """What helps earns its cost; what does not is named, though it takes the most time."""
    study = studied(ReadingFeaturizer(), readings)
    features = {each.feature: each for each in study.features}
    assert [each.feature for each in study.features] == ["strong", "site", "idle"]
    assert {name: each.earns for name, each in features.items()} == {
        "strong": True, "site": True, "idle": False,
    }  # fmt: skip
    assert features["idle"].share > 0.5
    assert features["idle"].share > features["strong"].share
    assert "Not shown to earn their cost, each taken alone: idle. " in study.summary()
    assert study.summary().endswith(
        "take the last of the table out of the featurizer, and ask again."
    )


def test_encoding_is_part_of_the_cost(readings):
    """A text is compared with each value that it may have; a number is passed on."""
    features = {each.feature: each for each in studied(Plain(), readings).features}
    assert features["site"].share > max(features["strong"].share, features["idle"].share)


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "below 2%"), (0.019, "below 2%"), (0.126, "13%"), (np.nan, "not known")],
)
def test_a_cost_is_told_as_well_as_it_is_known(share, said):
    """Neither as nothing, nor in tenths of a percent that the next run would not give."""
    assert Ablated(feature="x", loss=0, low=0, high=0, share=share).cost() == said


def test_the_holdout_is_not_looked_at(readings):
    """Answers of the trainer's holdout change nothing of a study."""
    split = Splitter().split(readings, Reading, readings["answer"].to_numpy())
    changed = readings.copy()
    changed.loc[split.holdout, "answer"] *= -3
    first, second = (studied(Two(), frame) for frame in (readings, changed))
    assert str(first) == str(second)
    assert first.n_rows == pytest.approx(900 * 0.8 * 0.2, abs=1)


def test_what_does_not_compile_is_not_timed(readings):
    """The losses are told all the same, and the times are said to be unknown."""
    study = studied(Two(), readings)
    assert np.isnan([each.share for each in study.features]).all()
    assert "not known" in study.table()
    assert "does not compile" in study.timed


def test_one_feature_cannot_be_left_out(readings):
    """There would be nothing to learn from."""
    with pytest.raises(FeaturizerError, match="There is one feature, strong"):
        studied(Alone(), readings)
