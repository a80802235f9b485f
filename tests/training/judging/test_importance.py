"""What each feature contributes is told with how sure that is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlkit import Evaluator, Featurizer, Schema, Splitter, Target, Trainer, column
from mlkit.core.errors import ConfigError
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.model import TrainedModel


class Point(Schema):
    """A strong, a weak and an irrelevant number, and an answer of two kinds."""

    strong: float
    weak: float
    idle: float
    answer: float = column(role="target")
    kind: str = column(role="outcome")


class AsTheyAre(Featurizer):
    """The numbers, as they are."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["idle", "weak", "strong"]]


def points(seed: int = 0, n_rows: int = 1500) -> pd.DataFrame:
    """Return points whose answer is 2 strong + weak / 2 + noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=["strong", "weak", "idle"])
    answer = 2 * frame["strong"] + frame["weak"] / 2 + rng.normal(size=n_rows)
    return frame.assign(answer=answer, kind=np.where(answer > 0, "yes", "no"))


def trained(frame: pd.DataFrame, task: str = "regression") -> TrainedModel:
    """Fit a linear model on half of the rows."""
    return Trainer(
        schema=Point,
        target=Target(task=task, column="answer" if task == "regression" else "kind"),
        featurizer=AsTheyAre(),
        estimator=LinearRegression() if task == "regression" else LogisticRegression(),
        splitter=Splitter(test_fraction=0.5),
    ).fit(frame)


def judged(frame: pd.DataFrame, task: str = "regression", **settings: object) -> Evaluation:
    """Judge on the other half."""
    model = trained(frame, task)
    evaluator = Evaluator(**{"n_resamples": 60, **settings})
    return evaluator.evaluate(model, model.holdout(frame), held_out=True)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_features_stand_in_the_order_of_what_they_are_worth(task):
    """The strongest comes first, and what is irrelevant is named as not shown to help."""
    evaluation = judged(points(), task)
    assert [each.feature for each in evaluation.contributions] == ["strong", "weak", "idle"]
    assert [each.helps for each in evaluation.contributions] == [True, True, False]
    assert {each.metric for each in evaluation.contributions} == {evaluation.scores[0].metric}
    assert evaluation.useless() == "Not shown to help (1 of 3 features): idle."


def test_a_loss_is_what_shuffling_costs():
    """Without its order, a feature of weight w adds 2 w² to the mean squared error."""
    frame = points(n_rows=6000)
    evaluation = judged(frame, metrics=["rmse"], n_repeats=3)
    noise, shuffled = evaluation["rmse"].value, np.sqrt(1 + 2 * 2**2)
    strong = evaluation.contributions[0]
    assert strong.loss == pytest.approx(shuffled - noise, abs=0.1)
    assert strong.low < strong.loss < strong.high


@pytest.mark.slow
def test_an_irrelevant_feature_seldom_seems_to_help():
    """Its interval covers 0 in most of the samples: a one-sided risk of 2.5 %, and some slack."""
    seems = 0
    for seed in range(40):
        (idle,) = [c for c in judged(points(seed, 600)).contributions if c.feature == "idle"]
        seems += idle.helps
    assert seems <= 5


def test_the_same_seed_gives_the_same_contributions():
    """Nothing but the seed decides the shuffles and the draws."""
    frame = points(n_rows=400)
    found = [judged(frame, seed=seed).contributions for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_without_repeats_nothing_is_computed():
    """0 repeats mean no contributions; less is refused."""
    assert judged(points(n_rows=100), n_repeats=0).contributions == ()
    with pytest.raises(ConfigError, match=r"evaluation\.n_repeats must not be negative, got -1"):
        Evaluator(n_repeats=-1)
