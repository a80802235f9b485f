"""A search is nested in the training side, goes on where it stopped, and writes what it found."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit import load_config
from mlkit.cli import main
from mlkit.core.errors import ConfigError, DataError
from mlkit.core.extras import MissingExtraError
from mlkit.training.tuning import tune
from mlkit.training.workflow import build_trainer, train

RATE = "model.estimator.learning_rate"
LEAVES = "model.estimator.max_leaf_nodes"


@pytest.fixture
def few(flights) -> pd.DataFrame:
    """Return a thousand flights."""
    return flights.iloc[::4].reset_index(drop=True)


@pytest.fixture
def searched(config, few, tmp_path):
    """Return what makes settings of a small search, and where its settings are written."""
    few.to_parquet(tmp_path / "flights.parquet")
    (tmp_path / "conf").mkdir()

    def make(**tuning):
        made = config(
            f"data.path={tmp_path / 'flights.parquet'}",
            "model.estimator.max_iter=3",
            "evaluation.n_resamples=0",
        )
        made.tuning = replace(
            made.tuning,
            **{
                "space": {RATE: {"low": 0.05, "high": 1.0, "log": True}},
                "trials": 3,
                "folds": 2,
                "folder": str(tmp_path / "tuning"),
                **tuning,
            },
        )
        return made

    return make


def trials_of(tmp_path) -> list[optuna.trial.FrozenTrial]:
    """Return the trials of the only study of the database."""
    storage = f"sqlite:///{tmp_path / 'tuning' / 'flight-delay.db'}"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage).get_trials()


def test_the_best_is_written_as_a_model_that_trains(searched, few, tmp_path):
    """The file is a whole model with the best values, and its bundle knows the rows it saw."""
    settings = searched()
    tuned = tune(settings, tmp_path / "conf")
    node = yaml.safe_load((tmp_path / "conf/model/tuned.yaml").read_text())
    assert node["estimator"] == {
        **settings.model.estimator,
        "learning_rate": tuned.parameters[RATE],
    }
    assert node["encoder"] == settings.model.encoder
    assert tuned.choices == ("model=tuned",)

    settings.model.tuning_rows = node["tuning_rows"]
    model = build_trainer(settings).fit(few)
    assert len(model.tuning_rows)
    np.testing.assert_array_equal(model.tuning_rows, model.training_rows)


@pytest.fixture
def said(searched, in_project, tmp_path, capsys):
    """Return what prints a search of learning rates by the command, and where its settings lie."""
    conf = shutil.copytree(in_project / "conf", tmp_path / "settings")
    given = [f"data.path={searched().data.path}", "seed=3", "model.estimator.max_iter=3"]
    tuning = ["tuning.folds=2", f"tuning.folder={tmp_path / 'tuning'}"]

    def run(low, n_trials):
        space = f"{{{RATE}: {{low: {low}, high: 1.0, log: true}}}}"
        (conf / "tuning" / "default.yaml").write_text(f"space: {space}\ntrials: {n_trials}\n")
        assert main(["tune", "--conf", str(conf), *given, *tuning]) == 0
        return capsys.readouterr().out

    run.conf, run.given = conf, given
    return run


def test_the_command_says_how_to_train(said):
    """What was given beside the search goes with what was found, under a name of its own."""
    out = said(0.05, 6)
    assert "No trial was better" not in out
    assert out.splitlines()[-1] == (
        f"Next: mlkit train model=tuned name=flight-delay-tuned {said.given[0]} seed=3"
    )
    found = load_config(said.conf, ["model=tuned"]).model
    assert found.tuning_rows == str(said.conf / "model/tuned.npy")


def test_the_command_says_when_no_trial_was_better(said):
    """The settings as they are stay then; and a budget that was spent before is named."""
    spent, none_better = "The budget was spent before;", "No trial was better than the settings as"
    for was_spent in (False, True):
        out = said(0.05, 1)
        assert (none_better in out, spent in out, "Next: " in out) == (True, was_spent, False)


def test_the_command_says_when_the_settings_were_no_trial(said):
    """What lies outside of the space is not tried, so that nothing is known to be better."""
    out = said(0.5, 1)
    assert "only the best of what was tried" in out
    assert "No trial was better" not in out
    assert "Next: mlkit train model=tuned" in out


def test_tuned_features_have_a_file_of_their_own(searched, write_module, tmp_path):
    """Where a featurizer's parameter is tuned, `features=tuned` goes with `model=tuned`."""
    write_module(
        "rounded.py",
        "from flight_delay.features import FlightFeaturizer\n\n\n"
        "class Rounded(FlightFeaturizer):\n"
        "    def __init__(self, digits=1):\n        self.digits = digits\n\n"
        "    def transform(self, frame):\n"
        "        return super().transform(frame).round(self.digits)\n",
    )
    settings = searched(space={"features.digits": {"choices": [0, 1]}}, trials=2)
    settings.features = {"_target_": "flight_delay.rounded.Rounded"}
    tuned = tune(settings, tmp_path / "conf")
    node = yaml.safe_load((tmp_path / "conf/features/tuned.yaml").read_text())
    assert node == {**settings.features, "digits": tuned.parameters["features.digits"]}
    assert tuned.choices == ("model=tuned", "features=tuned")


def test_the_holdout_is_never_looked_at(searched, few, tmp_path):
    """With other answers in the holdout, every trial has the very same value."""
    held_out = build_trainer(searched()).prepare(few)
    rows = held_out.positions[held_out.split.holdout]
    values = []
    for number, shift in enumerate((0, 500)):
        folder = tmp_path / str(number)
        settings = searched(folder=str(folder / "tuning"))
        changed = few.copy()
        changed.loc[changed.index[rows], "arr_delay"] -= shift
        changed.to_parquet(settings.data.path)
        tune(settings, tmp_path / "conf")
        values.append([(trial.params, trial.value) for trial in trials_of(folder)])
    assert values[0] == values[1]


@pytest.mark.slow
def test_the_same_search_gives_the_same_trials_however_many_jobs(searched, tmp_path):
    """Values and parameters follow from the seed, whether folds are fitted side by side or not."""
    found = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        tune(searched(folder=str(folder / "tuning"), jobs=jobs), tmp_path / "conf")
        found.append([(trial.params, trial.value) for trial in trials_of(folder)])
    assert found[0] == found[1]


def test_a_search_goes_on_until_its_budget_is_spent_in_total(searched, tmp_path):
    """The same command again adds nothing; with a larger budget it adds what is missing."""
    first = tune(searched(trials=2), tmp_path / "conf")
    again = tune(searched(trials=2), tmp_path / "conf")
    assert again == first
    more = tune(searched(trials=4), tmp_path / "conf")
    trials = trials_of(tmp_path)
    assert (more.n_trials, len(trials)) == (4, 4)
    assert len({trial.params[RATE] for trial in trials}) == 4


def test_minutes_end_a_search_too(searched, tmp_path):
    """Once the trials took as long, none is begun; the first always is."""
    tuned = tune(searched(trials=None, minutes=1e-9), tmp_path / "conf")
    assert tuned.n_trials == 1
    assert tuned.value == tuned.as_is


def test_the_first_trial_is_what_the_settings_say(searched, tmp_path):
    """So the best is never worse, over the folds, than what it would replace."""
    settings = searched()
    tuned = tune(settings, tmp_path / "conf")
    assert trials_of(tmp_path)[0].params[RATE] == settings.model.estimator["learning_rate"]
    assert tuned.value >= tuned.as_is


def test_an_error_is_minimized(searched, tmp_path):
    """Of a metric that is better when it is less, the least is taken."""
    tuned = tune(searched(metric="log_loss"), tmp_path / "conf")
    assert tuned.value == min(trial.value for trial in trials_of(tmp_path))


def test_other_rows_features_or_bounds_are_another_study(searched, few, tmp_path):
    """What cannot be compared is not mixed; a budget alone changes nothing."""
    tune(searched(trials=1), tmp_path / "conf")
    space = {RATE: {"low": 0.05, "high": 0.9, "log": True}}
    tune(searched(trials=1, space=space), tmp_path / "conf")
    settings = searched(trials=1)
    few.iloc[1:].to_parquet(settings.data.path)
    tune(settings, tmp_path / "conf")
    assert len(optuna.get_all_study_names(f"sqlite:///{tmp_path}/tuning/flight-delay.db")) == 3


def test_tuning_what_was_tuned_remembers_both_sets_of_rows(searched, few, tmp_path):
    """Rows that an earlier search saw stay seen, each as often as it was."""
    tune(searched(trials=1), tmp_path / "conf")
    before = np.load(tmp_path / "conf/model/tuned.npy")
    settings = searched(trials=1)
    settings.model.tuning_rows = str(tmp_path / "conf/model/tuned.npy")
    few.iloc[::2].to_parquet(settings.data.path)
    tune(settings, tmp_path / "conf")
    np.testing.assert_array_equal(np.load(tmp_path / "conf/model/tuned.npy"), before)


class Moody(HistGradientBoostingClassifier):
    """Fails to fit where it is told to."""

    def fit(self, X, y):
        """Fit, but for a learning rate above a half."""
        if self.learning_rate > 0.5:
            raise ArithmeticError("too steep")
        return super().fit(X, y)


@pytest.fixture
def moody(monkeypatch, searched):
    """Return what makes settings whose estimator fails for some values."""
    import flight_delay.features

    monkeypatch.setattr(flight_delay.features, "Moody", Moody, raising=False)
    monkeypatch.setattr(Moody, "__module__", "flight_delay.features")

    def make(**tuning):
        settings = searched(**tuning)
        settings.model.estimator["_target_"] = "flight_delay.features.Moody"
        return settings

    return make


def test_a_trial_that_fails_is_counted_and_stops_nothing(moody, tmp_path):
    """Values that do not go together cost a trial, and the reason is kept."""
    space = {RATE: {"choices": [0.1, 0.9]}}
    tuned = tune(moody(trials=8, space=space), tmp_path / "conf")
    reasons = [trial.user_attrs.get("reason") for trial in trials_of(tmp_path)]
    assert tuned.n_trials == 8
    assert tuned.n_failed == sum(reason is not None for reason in reasons) > 0
    assert {reason for reason in reasons if reason} == {"ArithmeticError: too steep"}


def test_trials_that_all_fail_name_the_first_cause(moody, tmp_path):
    """After a few failures and nothing else the search ends, and nothing is written."""
    settings = moody(trials=50, space={RATE: {"low": 0.6, "high": 1.0}})
    with pytest.raises(ConfigError, match=r"All 5 trials failed, the first.*too steep"):
        tune(settings, tmp_path / "conf")
    assert not (tmp_path / "conf/model").exists()


@pytest.mark.parametrize(
    ("tuning", "error", "message"),
    [
        ({"metric": "rmse"}, ConfigError, "tuning.metric is rmse, which does not fit a binary"),
        ({"metric": "roc_acu"}, ConfigError, "Did you mean roc_auc"),
        ({"folds": 1}, ConfigError, "at least 2 folds"),
        ({"folds": 5000}, DataError, "too few for 5000 folds"),
    ],
)
def test_a_search_that_cannot_be_judged_is_refused(searched, tmp_path, tuning, error, message):
    """Before any trial, so no database is made."""
    with pytest.raises(error, match=message):
        tune(searched(**tuning), tmp_path / "conf")
    assert not (tmp_path / "tuning").exists()


def test_folds_with_one_answer_are_refused(searched, few, tmp_path):
    """A metric that a fold leaves undefined is named before any trial."""
    settings = searched(folds=3)
    late = few["scheduled_departure"].rank(pct=True).between(0.35, 0.65)
    few.assign(arr_delay=few["arr_delay"].mask(late, 0.0)).to_parquet(settings.data.path)
    with pytest.raises(DataError, match=r"roc_auc is undefined on the [\d,]+ rows of fold"):
        tune(settings, tmp_path / "conf")


@pytest.mark.parametrize("changes", [{"trials": None}, {"trials": 0}, {"minutes": -1}, {"jobs": 0}])
def test_a_budget_that_makes_no_sense_is_refused(searched, changes):
    """Neither trials nor minutes, or none of them, is no budget."""
    with pytest.raises(ConfigError, match=r"tuning\."):
        searched(**changes)


def test_two_searches_in_one_database_are_refused(searched, tmp_path):
    """The second would take the first's running trial for one that was killed."""
    from mlkit.training.tuning.study import opened_study

    def opened():
        database = tmp_path / "tuning" / "flight-delay.db"
        return opened_study(database, "a", is_maximized=True, seed=0, pruning=False)

    with opened(), pytest.raises(ConfigError, match="Another process tunes"), opened():
        pass
    with opened():
        pass


def test_a_database_that_is_none_is_named(searched, tmp_path):
    """The error says what to do with the file."""
    (tmp_path / "tuning").mkdir()
    (tmp_path / "tuning/flight-delay.db").write_text("no database, but long enough " * 99)
    with pytest.raises(ConfigError, match=r"flight-delay\.db cannot be read .* Move it away"):
        tune(searched(), tmp_path / "conf")


@pytest.mark.parametrize("content", [None, b"text", "floats", "unsorted"])
def test_tuning_rows_that_are_none_are_refused(config, tmp_path, content):
    """A model whose rows are not known would be judged on what it was tuned on."""
    path = tmp_path / "rows.npy"
    if content == "floats":
        np.save(path, np.arange(3.0))
    elif content == "unsorted":
        np.save(path, np.array([2, 1], dtype="uint64"))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.tuning_rows: .*rows\.npy"):
        train(config(f"model.tuning_rows={path}"))


def test_without_the_extra_the_error_names_it(searched, tmp_path, monkeypatch):
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    for name in ("search", "study"):
        monkeypatch.delitem(sys.modules, f"mlkit.training.tuning.{name}", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlkit-ship\[tune\]'"):
        tune(searched(), tmp_path / "conf")
