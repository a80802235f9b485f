"""A threshold is chosen by what wrong decisions cost."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Target
from mlkit.core.bundle import Bundle
from mlkit.core.decision import decide
from mlkit.core.errors import ConfigError
from mlkit.training.costs import Costs
from mlkit.training.judging.evaluator import Evaluator
from mlkit.training.packing import pack
from mlkit.training.runtime import open_model

DEAR_MISSES = Costs(false_positive=1, false_negative=5)


def paid(costs, codes, scores, threshold):
    """Return what the decisions at a threshold cost."""
    chosen = decide(scores, threshold)
    false_alarms, missed = (chosen > codes).sum(), (chosen < codes).sum()
    return costs.false_positive * false_alarms + costs.false_negative * missed


@given(seed=st.integers(0, 2**32 - 1), dear=st.floats(0.1, 10))
def test_no_other_threshold_costs_less(seed, dear):
    """Whatever else is tried, scores of 0 and 1 and ties among them."""
    rng = np.random.default_rng(seed)
    codes, scores = rng.integers(0, 2, 30), np.round(rng.random(30), 1)
    costs = Costs(false_positive=1, false_negative=dear)
    found = paid(costs, codes, scores, costs.threshold(codes, scores))
    least = min(paid(costs, codes, scores, tried) for tried in np.linspace(0, 1.1, 111))
    assert found == pytest.approx(least)


def test_calibrated_scores_have_elkans_threshold():
    """With probabilities that are true, it is the false positive's share of both costs."""
    rng = np.random.default_rng(0)
    scores = rng.random(200_000)
    codes = (rng.random(len(scores)) < scores).astype("int64")
    assert DEAR_MISSES.optimum == pytest.approx(1 / 6)
    assert DEAR_MISSES.threshold(codes, scores) == pytest.approx(1 / 6, abs=0.02)


def test_dearer_misses_lower_the_threshold():
    """The more a miss costs, the sooner the positive class is chosen."""
    rng = np.random.default_rng(1)
    scores = rng.random(2_000)
    codes = (rng.random(len(scores)) < scores).astype("int64")
    chosen = [
        Costs(false_positive=1, false_negative=cost).threshold(codes, scores)
        for cost in (0.2, 1, 5, 25)
    ]
    assert all(dear < cheap for cheap, dear in pairwise(chosen))


@pytest.mark.parametrize("cost", [0, -1, float("nan"), float("inf")])
def test_costs_are_above_zero(cost):
    """A cost that is none is refused, by its name."""
    with pytest.raises(ConfigError, match=r"costs\.false_negative must be above 0"):
        Costs(false_positive=1, false_negative=cost)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_only_binary_targets_have_costs(task):
    """Other tasks have no threshold to choose."""
    with pytest.raises(ConfigError, match="binary threshold"):
        Target(task=task, column="answer", costs=DEAR_MISSES)


def test_settings_name_both_costs(config):
    """One cost alone says nothing."""
    with pytest.raises(ConfigError, match="both false_positive and false_negative"):
        config("data.target.costs.false_negative=5")


def test_a_model_keeps_its_threshold(build, trainer, flights, tmp_path):
    """It is chosen on training rows alone, and judged, packed and used by every reader."""
    target = Target(task="binary", column="arr_delay", edges=(30,), costs=DEAR_MISSES)
    model = build(target=target).fit(flights)
    assert 0.05 < model.threshold < 0.4
    holdout = model.holdout(flights)
    evaluation = Evaluator(n_resamples=0, metrics=["accuracy"]).evaluate(
        model, holdout, held_out=True
    )
    late = (holdout["arr_delay"].dropna() >= 30).to_numpy()
    labelled = model.schema.validate(holdout[holdout["arr_delay"].notna()])
    is_chosen = model.scores(labelled) >= model.threshold
    assert evaluation["accuracy"].value == pytest.approx((is_chosen == late).mean(), abs=1e-12)
    assert evaluation.threshold == model.threshold
    changed = flights.copy()
    changed.loc[holdout.index, "arr_delay"] = 0.0
    assert build(target=target).fit(changed).threshold == model.threshold
    pack(model, evaluation, holdout, tmp_path / "bundle", name="flights")
    bundle = Bundle.open(tmp_path / "bundle")
    assert bundle.manifest.threshold == model.threshold
    assert open_model(bundle, ["flight_delay"]).threshold == model.threshold
    assert open_model(bundle, ["flight_delay"]).target == target
