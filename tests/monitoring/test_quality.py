"""A window's quality is that of its rows with answers; slices are the evaluation's own."""

from math import erfc

import numpy as np
import pandas as pd
import pytest
from evaluations_of_tests import whole
from sklearn import metrics as sklearn_metrics

from mlkit.monitoring.estimation import Estimator
from mlkit.monitoring.quality import Expected, Rows, judge

N = 3_000


def judged(n_days: int = 1, known: float = 1.0, **changes):
    """Return rows of a calibrated model; some answers are not known."""
    rng = np.random.default_rng(0)
    scores = rng.beta(2, 3, N)
    codes = (rng.random(N) < scores).astype("float64")
    codes[rng.random(N) >= known] = np.nan
    days = np.repeat(np.arange(n_days), -(-N // n_days))[:N].astype("datetime64[D]")
    given = {"scores": scores, "codes": codes, "days": days, "kept": np.arange(N)}
    return Rows(
        **{**given, "features": np.empty((N, 0)), "parts": {}, "ms": np.empty(0), **changes}
    )


def expected(*metrics: str) -> Expected:
    """Return what an evaluation says of some metrics."""
    return Expected.of(whole(), metrics)


def test_estimates_are_of_the_kept_rows_alone():
    """As if no others were there, in each slice; what came true is of all rows."""
    kept = np.arange(0, N, 3)
    whole_of, parts = judged(), {"origin=JFK": np.arange(900), "origin=LGA": np.array([1, 2])}
    some = judged(kept=kept, features=np.empty((len(kept), 0)), parts=parts)
    estimator = Estimator("binary", whole_of.lessons(), [])
    of_some, jfk, lga = judge("binary", 0.5, expected("roc_auc"), estimator, some)
    given = {name: getattr(whole_of, name)[kept] for name in ("scores", "codes", "days")}
    alone = {
        "kept": np.arange(len(kept)),
        "features": np.empty((len(kept), 0)),
        "parts": {"origin=JFK": np.arange(300)},
    }
    of_alone = judge("binary", 0.5, expected("roc_auc"), estimator, judged(**given, **alone))
    assert [of_some.estimate, jfk.estimate] == [each.estimate for each in of_alone]
    assert np.isnan(lga.estimate)
    assert of_some.value == pytest.approx(
        sklearn_metrics.roc_auc_score(whole_of.codes, whole_of.scores)
    )
    assert len(some.lessons().codes) == len(kept)


def test_it_is_scikit_learns_on_the_rows_with_answers():
    """Rows without one, or without a score, are no part of it."""
    rows = judged(known=0.6)
    rows.scores[:50] = np.nan
    there = ~np.isnan(rows.codes) & ~np.isnan(rows.scores)
    truth, scores = rows.codes[there], rows.scores[there]
    auc, brier = judge("binary", 0.5, expected("roc_auc", "brier"), None, rows)
    assert auc.value == pytest.approx(sklearn_metrics.roc_auc_score(truth, scores))
    assert brier.value == pytest.approx(sklearn_metrics.brier_score_loss(truth, scores))
    assert (auc.n_rows, auc.n_labelled) == (N, there.sum())
    assert auc.low < auc.value < auc.high
    assert np.isnan(auc.estimate)


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
def test_a_loss_is_held_against_both_intervals(metric):
    """By a normal whose variance is that of the window and that of the holdout."""
    (mark,) = (score for score in whole().scores if score.metric == metric)
    found = judge("binary", 0.5, expected(metric), None, judged())[0]
    errors = [
        (high - low) / 2 / 1.959964
        for low, high in ((found.low, found.high), (mark.low, mark.high))
    ]
    loss = mark.value - found.value if metric == "roc_auc" else found.value - mark.value
    z = loss / (errors[0] ** 2 + errors[1] ** 2) ** 0.5
    assert found.p_value == pytest.approx(0.5 * erfc(z / 2**0.5), rel=1e-6)


def test_slices_are_judged_by_the_first_metric():
    """By their own rows, with what each was worth in the evaluation."""
    origins = np.resize(["EWR", "JFK", "LGA", "XYZ"], N)
    mark = expected("roc_auc", "brier")
    assert {*mark.slices} == {"origin", "carrier"}
    columns = {"origin": pd.Series(origins), "carrier": pd.Series(["AA"] * N)}
    parts = mark.parts(columns)
    assert parts["origin=JFK"].tolist() == np.flatnonzero(origins == "JFK").tolist()
    assert len(parts["carrier=WN"]) == 0
    rows = judged(parts=parts)
    found = judge("binary", 0.5, mark, None, rows)
    (jfk,) = (each for each in found if each.slice == "origin=JFK")
    own = origins == "JFK"
    assert jfk.value == pytest.approx(
        sklearn_metrics.roc_auc_score(rows.codes[own], rows.scores[own])
    )
    (score,) = (s for each in whole().slices if each.name == "origin=JFK" for s in each.scores[:1])
    assert jfk.expected == score.value
    assert {each.metric for each in found if each.slice} == {"roc_auc"}
    (none,) = (each for each in found if each.slice == "carrier=WN")
    assert (none.n_rows, np.isnan(none.value)) == (0, True)


def test_days_are_drawn_whole_where_there_are_many():
    """The interval is then wider, as rows of one day are alike."""
    rng = np.random.default_rng(0)
    is_right_day = np.repeat(rng.random(30) < 0.5, 100)
    codes = np.where(is_right_day, 1.0, 0.0)
    single = judged(n_days=1, scores=np.full(N, 0.6), codes=codes)
    daily = judged(n_days=30, scores=np.full(N, 0.6), codes=codes)
    one, many = (judge("binary", 0.5, expected("accuracy"), None, r)[0] for r in (single, daily))
    assert one.value == many.value
    assert many.high - many.low > 4 * (one.high - one.low)


def test_without_answers_there_is_no_value():
    """And without rows neither."""
    (found,) = judge("binary", 0.5, expected("roc_auc"), None, judged(known=0.0))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n_labelled == 0
