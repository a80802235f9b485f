"""A search space is held against the settings before anything is fitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from mlkit.core.errors import ConfigError
from mlkit.training.tuning.space import Dimension, applied, read_space

DEPTH = "model.estimator.max_depth"


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, r"tuning\.space is empty"),
        ({"model.estimator.max_dept": {"low": 1, "high": 2}}, f"Did you mean {DEPTH}"),
        ({"model.estimater.max_depth": {"low": 1, "high": 2}}, "Did you mean estimator"),
        ({"model.tuning_rows": {"choices": ["a", "b"]}}, "model names no class"),
        ({"seed": {"low": 1, "high": 2}}, "only settings under model and features"),
        ({DEPTH: 3}, "needs {low, high} or {choices}, got 3"),
        ({DEPTH: {"low": 1}}, "needs either low and high, or choices; it has low"),
        ({DEPTH: {"low": 1, "high": 3, "choices": [1, 2]}}, "either low and high, or choices"),
        ({DEPTH: {"low": 1, "hihg": 3}}, "no setting hihg. Did you mean high"),
        ({DEPTH: {"low": 3, "high": 1}}, r"low \(3\) must lie below high \(1\)"),
        ({DEPTH: {"low": "a", "high": 1}}, "low must be a number, got 'a'"),
        ({DEPTH: {"low": 1, "high": float("inf")}}, "high must be finite"),
        ({DEPTH: {"low": 0, "high": 2, "log": True}}, "log needs low above 0"),
        ({DEPTH: {"low": 1, "high": 3, "step": 9}}, "step must lie above 0 and within"),
        ({DEPTH: {"choices": [1]}}, "at least two"),
        ({DEPTH: {"choices": "abc"}}, "must be a list of values, got 'abc'"),
        ({DEPTH: {"choices": [[1], [2]]}}, "choices are text, numbers, booleans or null"),
        ({DEPTH: {"low": 0, "high": 4}}, rf"{DEPTH}: 0 does not fit.*\[1, inf\)"),
        ({"model.estimator.loss": {"choices": ["log_loss", "hinge"]}}, "'hinge' does not fit"),
    ],
)
def test_a_space_that_fits_nothing_is_named(config, space, message):
    """One line says which key is wrong, and what is nearest or allowed."""
    settings = config()
    settings.tuning.space = space
    with pytest.raises(ConfigError, match=message) as caught:
        read_space(settings)
    assert "\n" not in str(caught.value)


def test_the_projects_own_space_fits_its_model(config):
    """What the template ships is a search that can start, from the settings as they stand."""
    assert all(dimension.has_current for dimension in read_space(config()))


def test_values_go_where_their_keys_say(config):
    """The settings that were given stay as they were."""
    settings = config()
    changed = applied(settings, {DEPTH: 3, "model.encoder.numbers": "standardize"})
    assert changed.model.estimator == {**settings.model.estimator, "max_depth": 3}
    assert changed.model.encoder["numbers"] == "standardize"
    assert "max_depth" not in settings.model.estimator


@given(st.integers(-50, 50), st.integers(1, 50), st.data())
def test_values_keep_to_their_bounds_and_their_kind(low, width, data):
    """Whole bounds give whole numbers; what is suggested is what the trial took."""
    whole = Dimension(key="k", low=low, high=low + width)
    value = data.draw(st.integers(low, low + width))
    assert whole.suggest(FixedTrial({"k": value})) == value
    assert type(whole.suggest(FixedTrial({"k": value}))) is int
    broken = Dimension(key="k", low=float(low), high=low + width)
    assert type(broken.suggest(FixedTrial({"k": float(value)}))) is float
