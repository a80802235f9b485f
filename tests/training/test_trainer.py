"""One pipeline, fitted on rows that may be seen, judged on rows that were not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from mlkit import (
    Evaluator,
    Featurizer,
    Schema,
    Splitter,
    TableEncoder,
    Target,
    Trainer,
    column,
)
from mlkit.core.errors import ConfigError, DataError, FeaturizerError
from mlkit.training.judging.evaluation import Evaluation

LATE = Target(task="binary", column="arr_delay", edges=(30,))


class Recorder(Featurizer):
    """A featurizer that remembers what it was given."""

    seen: list[pd.DataFrame] = []  # noqa: RUF012

    def transform(self, frame):
        """Remember the columns, and return one."""
        self.seen.append(frame)
        return frame[["distance"]]


def test_outcomes_never_reach_a_featurizer(build, flights):
    """Neither in training nor in scoring does a featurizer see a target or an outcome."""
    Recorder.seen.clear()
    model = build(featurizer=Recorder()).fit(flights)
    model.scores(model.schema.validate(flights))
    outcomes = {"dep_delay", "arr_delay", "air_time"}
    assert Recorder.seen
    assert all(outcomes.isdisjoint(frame.columns) for frame in Recorder.seen)


def test_training_sees_no_row_of_the_holdout(build, flights):
    """The default holds out the latest flights, and only earlier ones are fitted."""
    Recorder.seen.clear()
    model = build(featurizer=Recorder()).fit(flights)
    fitted = Recorder.seen[0]
    holdout = model.holdout(flights)
    assert fitted["scheduled_departure"].max() < holdout["scheduled_departure"].min()
    assert len(fitted) + len(holdout) == flights["arr_delay"].notna().sum()


class Customer(Schema):
    """A customer, of whom one column is personal."""

    name: str = column(pii=True)
    age: float
    spent: float = column(role="target")


class Chosen(Featurizer):
    """Some of the columns."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def transform(self, frame):
        """Return these columns."""
        return frame[list(self.names)]


@pytest.mark.parametrize(("names", "warned"), [(("name", "age"), [["name"]]), (("age",), [])])
def test_personal_data_that_are_features_are_named(caplog, names, warned):
    """Once, and by the column's name alone; what no featurizer returns needs no warning."""
    ages = np.arange(100.0)
    frame = pd.DataFrame({"name": "N.", "age": ages, "spent": 2 * ages})
    Trainer(
        schema=Customer,
        target=Target(task="regression", column="spent"),
        featurizer=Chosen(names),
        estimator=Ridge(),
    ).fit(frame)
    said = [r.msg for r in caplog.records if r.msg["event"] == "personal_data_learned"]
    assert [each["columns"] for each in said] == warned


def test_rows_without_a_target_are_counted_in_the_log(trainer, flights, caplog):
    """They are left out of the training, and not in silence."""
    with caplog.at_level("INFO"):
        trainer.fit(flights)
    n_unlabelled = int(flights["arr_delay"].isna().sum())
    (said,) = [r.msg for r in caplog.records if r.msg["event"] == "rows_left_out"]
    assert (said["n_rows"], said["reason"]) == (n_unlabelled, "without a target")
    assert n_unlabelled > 0


def test_an_evaluation_leaves_out_what_was_trained_on(trainer, flights):
    """Given all rows, only held-out ones are judged, and the others are counted."""
    model = trainer.fit(flights)
    evaluator = Evaluator(n_resamples=10)
    of_all = evaluator.evaluate(model, flights)
    of_holdout = evaluator.evaluate(model, model.holdout(flights), held_out=True)
    later = flights.assign(dep_delay=None, air_time=1.0)
    assert evaluator.evaluate(model, later) == of_all
    assert of_all.scores == of_holdout.scores
    assert of_all.n_rows == len(model.holdout(flights))
    assert of_all.n_unlabelled == flights["arr_delay"].isna().sum()
    assert of_all.n_seen == len(model.training_rows)
    with pytest.raises(DataError, match="None of the"):
        evaluator.evaluate(model, flights.iloc[model.split.train])


def test_rows_that_are_alike_are_counted_not_dropped(build, flights):
    """Of rows that are alike, as many are left out as were trained on, so a holdout remains."""
    alike = pd.concat([flights.head(40)] * 50, ignore_index=True)
    model = build(splitter=Splitter(kind="stratified")).fit(alike)
    holdout = model.holdout(alike)
    evaluator = Evaluator(n_resamples=0)
    assert evaluator.evaluate(model, holdout, held_out=True).n_rows == len(holdout)
    of_all = evaluator.evaluate(model, alike)
    assert (of_all.n_rows, of_all.n_seen) == (len(holdout), len(model.training_rows))


def test_an_evaluation_is_what_scikit_learn_computes(trainer, flights):
    """The score is that of the pipeline on the held-out rows; the baseline guesses the prior."""
    model = trainer.fit(flights)
    holdout = model.holdout(flights)
    evaluation = Evaluator(n_resamples=50).evaluate(model, holdout)
    truth = holdout["arr_delay"] >= 30
    known = model.schema.validate(holdout)[model.schema.names(known_before=True)]
    expected = roc_auc_score(truth, model.pipeline.predict_proba(known)[:, 1])
    score = evaluation["roc_auc"]
    assert score.value == pytest.approx(expected, abs=1e-12)
    assert score.low < score.value < score.high
    assert score.baseline == 0.5
    guess = model.prior[1]
    assert evaluation["brier"].baseline == pytest.approx(((guess - truth) ** 2).mean())


def test_an_evaluation_survives_its_json_form(trainer, flights):
    """Written and read back, it is the same, without intervals too."""
    model = trainer.fit(flights)
    evaluation = Evaluator(n_resamples=10).evaluate(model, flights)
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    bare = Evaluator(n_resamples=0).evaluate(model, flights)
    assert np.isnan(Evaluation.from_json(bare.to_json())["roc_auc"].low)
    with pytest.raises(KeyError):
        evaluation["r2"]


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (LogisticRegression(max_iter=500), LATE),
        (RandomForestClassifier(20, min_samples_leaf=10), LATE),
        (
            LogisticRegression(max_iter=500),
            Target(
                task="multiclass",
                column="arr_delay",
                edges=(15, 60),
                labels=("punctual", "late", "very late"),
            ),
        ),
        (Ridge(), Target(task="regression", column="arr_delay")),
    ],
)
def test_every_task_is_learned_better_than_by_guessing(build, flights, estimator, target):
    """Linear models and forests beat the naive baseline on each task."""
    changed = build(estimator=estimator, target=target, encoder=TableEncoder(numbers="standardize"))
    model = changed.fit(flights)
    evaluation = Evaluator(n_resamples=0).evaluate(model, flights)
    error = evaluation["rmse" if target.task == "regression" else "log_loss"]
    assert error.value < error.baseline
    assert model.scores(model.schema.validate(flights)).shape == (
        (len(flights), 3) if target.task == "multiclass" else (len(flights),)
    )


def test_one_seed_gives_one_model(build, flights):
    """Two fits with a seed score exactly alike; another seed may not."""
    forest = RandomForestClassifier(5, min_samples_leaf=10)
    one, two, other = (build(estimator=forest, seed=seed).fit(flights) for seed in (1, 1, 2))
    rows = one.schema.validate(flights)
    assert np.array_equal(one.scores(rows), two.scores(rows))
    assert not np.array_equal(one.scores(rows), other.scores(rows))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": LinearSVC()}, "LinearSVC has no predict_proba"),
        ({"estimator": Ridge()}, "Ridge has no predict_proba"),
        (
            {"target": Target(task="regression", column="arr_delay")},
            "HistGradientBoostingClassifier is a classifier",
        ),
        ({"target": Target(task="binary", column="arr_dely")}, "Did you mean arr_delay"),
    ],
)
def test_refuses_parts_that_do_not_fit_before_reading_a_row(build, changes, message):
    """An estimator that does not fit the task is named when the trainer is built."""
    with pytest.raises(ConfigError, match=message):
        build(**changes)


def test_refuses_a_split_that_leaves_one_answer(build, flights):
    """A class that lies wholly in the holdout cannot be learned."""
    is_early = flights["scheduled_departure"] < "2013-10-01"
    frame = flights.assign(arr_delay=flights["arr_delay"].where(~is_early, 0.0))
    with pytest.raises(DataError, match="lack some answers"):
        build(splitter=Splitter(cut="2013-10-01")).fit(frame)


class Broken(Featurizer):
    """A featurizer that breaks its contract in the way that it is told."""

    def __init__(self, way="rows"):
        self.way = way

    def transform(self, frame):
        """Break the contract."""
        features = frame[["distance", "temp"]]
        ways = {
            "rows": lambda: features.iloc[1:],
            "index": lambda: features.set_axis(range(1, len(features) + 1)),
            "order": lambda: features.sort_values("distance"),
            "type": features.to_numpy,
            "double": lambda: pd.concat([features, features], axis=1),
            "outcome": lambda: features.assign(leak=frame["arr_delay"]),
            "attribute": lambda: features.assign(leak=frame.dep_delay + 1),
        }
        return ways[self.way]()


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("rows", "must keep every row"),
        ("index", "changed the index"),
        ("order", "changed the index"),
        ("type", "must return a pandas DataFrame, got ndarray"),
        ("double", "distance, temp more than once"),
        ("outcome", "reads arr_delay, which it is not given"),
        ("attribute", "reads dep_delay, which it is not given"),
    ],
)
def test_refuses_a_featurizer_that_breaks_its_contract(build, flights, way, message):
    """What it did is named, before any estimator is fitted."""
    with pytest.raises(FeaturizerError, match=message):
        build(featurizer=Broken(way)).fit(flights)


class Unsure(ClassifierMixin, BaseEstimator):
    """A classifier that predicts NaN."""

    def fit(self, X, y):
        """Fit nothing."""
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        """Predict no number."""
        return np.full((len(X), 2), np.nan)


def test_refuses_predictions_that_are_no_numbers(build, flights):
    """NaN from an estimator is an error, not a score."""
    model = build(estimator=Unsure()).fit(flights)
    with pytest.raises(DataError, match="no finite number for row 0"):
        model.scores(model.schema.validate(flights))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"level": 1.0}, "level"), ({"n_resamples": -1}, "n_resamples")],
)
def test_refuses_an_evaluation_out_of_range(arguments, message):
    """A setting out of its range is named."""
    with pytest.raises(ConfigError, match=message):
        Evaluator(**arguments)


def test_refuses_a_metric_of_another_task(trainer, flights):
    """A metric that does not fit the task is named, with those that do."""
    with pytest.raises(ConfigError, match="rmse does not fit a binary target"):
        Evaluator(metrics=["rmse"]).evaluate(trainer.fit(flights), flights)


def test_a_constant_regressor_is_the_baseline(build, flights):
    """Predicting the training mean scores exactly as the naive baseline does."""
    changed = build(
        estimator=DummyRegressor(), target=Target(task="regression", column="arr_delay")
    )
    evaluation = Evaluator(n_resamples=0).evaluate(changed.fit(flights), flights)
    assert all(score.value == pytest.approx(score.baseline) for score in evaluation.scores)


def test_a_forest_in_threads_scores_to_the_last_bit(build, flights):
    """Its trees are added up in one order, whichever thread is done first."""
    forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=5, n_jobs=8, random_state=0)
    model = build(estimator=forest).fit(flights)
    first = model.scores(flights)
    for _ in range(20):
        np.testing.assert_array_equal(model.scores(flights), first)
