"""A model is judged on rows that it has seen neither in training nor in tuning."""

from dataclasses import replace

import numpy as np
import pytest

from mlkit.core.errors import DataError
from mlkit.training.frames import fingerprints
from mlkit.training.judging.sample import draw_sample


@pytest.fixture(scope="module")
def model(trainer, flights):
    """Return a model of the default project."""
    return trainer.fit(flights)


@pytest.fixture(scope="module")
def holdout(model, flights):
    """Return its holdout, validated and labelled."""
    return model.schema.validate(model.holdout(flights))


def prints(model, rows):
    """Return what a model that has seen the rows keeps of them."""
    return np.sort(fingerprints(rows[model.target.judged_columns(model.schema)]))


def test_rows_that_settings_were_chosen_on_are_left_out(model, holdout):
    """They are counted, and left out of the model's own holdout as well."""
    tuned = replace(model, tuning_rows=prints(model, holdout.iloc[:50]))
    sample = draw_sample(tuned, holdout, held_out=True)
    assert (sample.n_seen, len(sample.codes)) == (50, len(holdout) - 50)
    assert sample.frame.index.equals(holdout.index[50:])


def test_what_another_model_has_seen_is_left_out_as_well(model, holdout):
    """Trained or tuned on, each row is counted once."""
    other = replace(
        model,
        training_rows=prints(model, holdout.iloc[:30]),
        tuning_rows=prints(model, holdout.iloc[20:40]),
    )
    assert draw_sample(model, holdout, held_out=True, champion=other).n_seen == 40


def test_nothing_unseen_is_an_error(model, flights):
    """A file that holds training rows only is refused, with the count."""
    with pytest.raises(DataError, match=r"were trained or tuned on\. Bring labelled rows"):
        draw_sample(model, model.training(flights))
