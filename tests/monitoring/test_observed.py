"""A model is watched by what its log says that it was asked, whoever answered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from logs_of_tests import altered, logged
from sklearn import metrics as sklearn_metrics
from watched_of_tests import (
    KEY,
    SECRET,
    Trip,
    answers_of,
    pack_trips,
    predicted,
    requests_of,
    texts_of,
    trips,
)

from mlkit import column
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.errors import DataError, MlkitError
from mlkit.history.rotating import rotate
from mlkit.monitoring.findings import Monitoring, Quality, Window
from mlkit.monitoring.labels import add_labels
from mlkit.monitoring.report.exposition import exposition, to_json
from mlkit.monitoring.report.page import write_page
from mlkit.monitoring.report.summary import summary
from mlkit.monitoring.watching import watch_log
from mlkit.serving.settings import Model
from mlkit.training.settings import MonitoringConfig

FRAME = trips(1_200, seed=1, days=60)


class Private(Trip):
    """A trip whose guest is nobody's business, and always there."""

    guest: str = column(role="key", pii=True)


def settings(**changes) -> MonitoringConfig:
    """Return the settings, by month and by the trips' own time."""
    return MonitoringConfig(**{"window": "month", "time": "at", "least_rows": 100} | changes)


def write(log: Path, bundle: Bundle, frame: pd.DataFrame = FRAME, **model) -> Path:
    """Answer all trips, and say what came true of them."""
    served = Model(bundle=str(bundle.path), **({"name": "trips"} | model))
    logged(log, requests_of(frame), served)
    add_labels(log, answers_of(frame), bundle.schema)
    return log


@pytest.fixture
def log(trip_bundle, tmp_path) -> Path:
    """Return a log of the binary model, with answers."""
    return write(tmp_path / "predictions", trip_bundle())


def by_name(window: Window) -> dict[tuple[str, str], Quality]:
    """Return a window's metrics by name and slice."""
    return {(each.metric, each.slice): each for each in window.quality}


def months() -> pd.Series:
    """Return the month of each trip."""
    return FRAME["at"].dt.strftime("%Y-%m")


@pytest.mark.parametrize("form", ["lines", "tables"])
def test_quality_is_scikit_learns_on_the_joined_answers(log, trip_bundle, form):
    """Window by window, and slice by slice, within its interval."""
    if form == "tables":
        rotate(log)
    names = ["roc_auc", "log_loss", "accuracy"]
    found = watch_log(trip_bundle(), log, settings(metrics=names))
    scores = predicted(log)["probability"].to_numpy()
    truth = FRAME["stay"].to_numpy() >= 5

    def expected(rows: np.ndarray) -> list[float]:
        return [
            sklearn_metrics.roc_auc_score(truth[rows], scores[rows]),
            sklearn_metrics.log_loss(truth[rows], scores[rows]),
            sklearn_metrics.accuracy_score(truth[rows], scores[rows] >= 0.5),
        ]

    assert [window.name for window in found.windows] == sorted(set(months()))
    for window in found.windows:
        rows = (months() == window.name).to_numpy()
        assert window.n_rows == rows.sum()
        quality = by_name(window)
        values = [quality[name, ""].value for name in names]
        assert values == pytest.approx(expected(rows))
        assert not [q for q in window.quality if not q.low <= q.value <= q.high]
        for by in ("ward", "floor", "beds", "sharp"):
            for value in Trip.validate(FRAME)[by].dropna().unique():
                of_slice = quality["roc_auc", f"{by}={value}"]
                own = rows & (FRAME[by] == value).fillna(value=False).to_numpy(dtype=bool)
                assert of_slice.n_rows == of_slice.n_labelled == own.sum()
                assert of_slice.value == pytest.approx(expected(own)[0])
        assert not [name for _, name in quality if name.startswith("age=")]


def test_only_what_is_known_is_judged(trip_bundle, tmp_path):
    """Answers of half the rows, then of all; the estimate is of all rows at once."""
    log = tmp_path / "log"
    logged(log, requests_of(FRAME), Model(bundle=str(trip_bundle().path), name="trips"))
    (nothing,) = watch_log(trip_bundle(), log, settings(window="all")).windows
    assert np.isnan(nothing.quality[0].value)
    assert nothing.quality[0].n_labelled == 0
    answers = answers_of(FRAME)
    add_labels(log, answers.iloc[::2], trip_bundle().schema)
    (half,) = watch_log(trip_bundle(), log, settings(window="all")).windows
    assert half.quality[0].n_labelled == 600
    assert half.quality[0].estimate == nothing.quality[0].estimate
    add_labels(log, answers, trip_bundle().schema)
    found = watch_log(trip_bundle(), log, settings(window="all"))
    assert found.windows[0].quality[0].n_labelled == 1_200
    error = abs(found.windows[0].quality[0].value - half.quality[0].estimate)
    assert found.estimate_error["roc_auc"] == pytest.approx(error)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_another_bundle_answered_is_scored_again(trip_bundle, task, tmp_path):
    """All figures are those of the bundle that is watched, as if it had answered itself."""
    bundle, other = trip_bundle(task), trip_bundle(task, seed=5)
    mine = watch_log(bundle, write(tmp_path / "mine", bundle), settings())
    theirs_log = write(tmp_path / "theirs", other)
    theirs = watch_log(bundle, theirs_log, settings())
    assert predicted(theirs_log, bundle.manifest.digest).empty
    for one, two in zip(mine.windows, theirs.windows, strict=True):
        assert repr(one.drifts) == repr(two.drifts)
        for a, b in zip(one.predictions, two.predictions, strict=True):
            assert (a.n_rows, a.psi) == (b.n_rows, pytest.approx(b.psi, abs=1e-9))
        for a, b in zip(one.quality, two.quality, strict=True):
            assert (a.value, a.estimate) == pytest.approx((b.value, b.estimate), nan_ok=True)
    different = watch_log(other, theirs_log, settings())
    assert different.windows[0].quality[0].value != mine.windows[0].quality[0].value


def test_a_shadow_is_not_counted_twice(trip_bundle, tmp_path):
    """What it was asked, the champion was asked as well."""
    bundle = trip_bundle()
    shadow = altered(bundle.path, tmp_path / "shadow", threshold=0.2)
    alone = watch_log(bundle, write(tmp_path / "alone", bundle), settings())
    both = watch_log(bundle, write(tmp_path / "both", bundle, shadow=str(shadow)), settings())
    assert [w.n_rows for w in both.windows] == [w.n_rows for w in alone.windows]
    assert [repr(w.quality) for w in both.windows] == [repr(w.quality) for w in alone.windows]


def test_rows_are_of_when_they_were_answered_or_of_their_own_time(log, trip_bundle):
    """Without a column, all are of today; `since` and `until` go by the same times."""
    today = datetime.now(tz=UTC)
    found = watch_log(trip_bundle(), log, settings(time=None, window="day"))
    assert sum(window.n_rows for window in found.windows) == len(FRAME)
    assert {window.name for window in found.windows} <= {
        f"{today - timedelta(days=back):%Y-%m-%d}" for back in (0, 1)
    }
    since = datetime(2024, 2, 1)
    (february, *_) = watch_log(trip_bundle(), log, settings(), since=since).windows
    assert february.name == "2024-02"
    with pytest.raises(DataError, match="No record is of that time"):
        watch_log(trip_bundle(), log, settings(time=None), until=since)


@pytest.mark.parametrize("form", ["lines", "tables"])
def test_only_what_was_answered_in_a_span_is_read(log, trip_bundle, form):
    """From the one moment on, before the other; quality is that of these rows."""
    if form == "tables":
        rotate(log)
    times = predicted(log)["time"]
    since, until = times.sort_values().iloc[[300, 900]]
    is_within = (times >= since) & (times < until)
    (found,) = watch_log(
        trip_bundle(), log, settings(time=None, window="all"), since=since, until=until
    ).windows
    assert found.n_rows == found.quality[0].n_labelled == is_within.sum() > 0
    truth = FRAME["stay"].to_numpy() >= 5
    scores = predicted(log)["probability"]
    assert found.quality[0].value == pytest.approx(
        sklearn_metrics.roc_auc_score(truth[is_within], scores[is_within])
    )


def test_latency_is_that_of_requests(log, trip_bundle):
    """Its median and 99th centile, each request once."""
    (window,) = watch_log(trip_bundle(), log, settings(window="all")).windows
    ms = predicted(log).query("row == 0")["ms"]
    assert len(ms) == len(requests_of(FRAME))
    assert window.latency == pytest.approx(tuple(np.quantile(ms, [0.5, 0.99])))


def test_age_is_from_the_newest_row_to_the_windows_end(log, trip_bundle):
    """In days; the bundle says when its newest row was."""
    found = watch_log(trip_bundle(), log, settings())
    newest = datetime(2023, 12, 31)
    assert [window.age_days for window in found.windows][:2] == [
        (datetime(2024, 2, 1) - newest).days, (datetime(2024, 3, 1) - newest).days
    ]  # fmt: skip


def told(found: Monitoring, folder: Path) -> bytes:
    """Return all that is ever said of what was found."""
    folder.mkdir()
    write_page(found, folder / "page.html", settings())
    texts = (summary(found), exposition(found), to_json(found), repr(found))
    return "\n".join(texts).encode() + texts_of([folder])


def test_personal_data_and_keys_are_neither_kept_nor_told(log, trip_bundle, tmp_path):
    """Not in the reference, nor in any output, also where values of theirs are broken."""
    bundle = trip_bundle()
    secrets = (SECRET.encode(), KEY.encode())
    rows = pd.read_parquet(bundle.path / layout.REFERENCE)
    assert not {"email", "guest"} & {*rows.columns}
    found = told(watch_log(bundle, log, settings()), tmp_path / "out")
    reference = rows.to_csv().encode()
    assert not [secret for secret in secrets if secret in found + reference]


def test_a_column_that_no_receipt_has_breaks_no_rule(log, trip_bundle, tmp_path):
    """Personal data that a record must have are not in the log: the rest is watched."""
    bundle = pack_trips(tmp_path / "bundle", schema=Private)
    hidden = write(tmp_path / "hidden", bundle)
    assert "input.guest" not in predicted(hidden)
    found = watch_log(bundle, hidden, settings())
    usual = watch_log(trip_bundle(), log, settings())
    assert [window.n_violating for window in found.windows] == [0, 0]
    for one, two in zip(found.windows, usual.windows, strict=True):
        assert repr(one.drifts) == repr(two.drifts)
        assert repr(one.quality) == repr(two.quality)


def test_there_must_be_a_log_with_receipts_of_the_name(log, trip_bundle, tmp_path):
    """Each error says which is missing."""
    with pytest.raises(DataError, match=r"There is no log in .*absent"):
        watch_log(trip_bundle(), tmp_path / "absent", settings())
    other = Bundle.open(altered(trip_bundle().path, tmp_path / "other", name="other"))
    with pytest.raises(DataError, match="has no receipts of other"):
        watch_log(other, log, settings())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ["roc"]}, "monitoring.metrics names roc"),
        ({"metrics": ["rmse"]}, "monitoring.metrics names rmse"),
        ({"time": "att"}, "att"),
        ({"time": "age"}, "monitoring.time is age, which is no datetime"),
    ],
)
def test_settings_that_do_not_fit_the_model_are_named(log, trip_bundle, changes, message):
    """Metrics of another task, and columns that hold no moments."""
    with pytest.raises(MlkitError, match=message):
        watch_log(trip_bundle(), log, settings(**changes))


def test_the_verdict_is_by_the_first_metric(log, trip_bundle):
    """By the evaluation's first three where none is named; a drop of quality is found."""
    found = watch_log(trip_bundle(), log, settings())
    assert found.metric == "roc_auc"
    wrong = answers_of(FRAME).assign(stay=FRAME["stay"].to_numpy()[::-1])
    add_labels(log, wrong, trip_bundle().schema)
    found = watch_log(trip_bundle(), log, settings(metrics=["accuracy", "roc_auc"]))
    assert found.metric == "accuracy"
    (worst,) = (f for f in found.of_kind("quality") if f.what == "accuracy")
    assert worst.severity == found.severity == "alarm"
    assert "roc_auc" not in {f.what for f in found.findings}
