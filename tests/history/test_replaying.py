"""A log that is scored again says what another bundle would have answered."""

import pytest
from bundles_of_tests import bundle_of
from logs_of_tests import altered, logged
from sklearn.linear_model import LogisticRegression, Ridge

from mlkit import Predictor, TableEncoder, Target
from mlkit.core.errors import DataError
from mlkit.history.reading import read_log
from mlkit.history.replaying import replay
from mlkit.history.rotating import rotate
from mlkit.serving.settings import Canary, Model


@pytest.mark.parametrize("is_rotated", [False, True])
def test_a_bundle_gives_its_own_answers_again(log, packed, requests, is_rotated):
    """To the last bit, whether it was asked for one record or for many."""
    if is_rotated:
        rotate(log)
    found = replay(Predictor.load(packed), read_log(log, name="plain"))
    assert found.n_receipts == len(requests)
    assert found.n_records == sum(map(len, requests.values()))
    (answers,) = found.answers
    assert (answers.role, answers.n_records) == ("champion", found.n_records)
    assert (answers.n_changed, answers.mean_difference, answers.largest_difference) == (0, 0, 0)
    assert found.worst == []


def test_what_differs_is_counted_and_the_worst_is_named(log, packed, strict):
    """By the bundle that answered; here one that decides otherwise by the same scores."""
    frame = read_log(log, name="mixed")
    found = replay(Predictor.load(strict), frame)
    by_role = {each.role: each for each in found.answers}
    assert by_role["canary"].n_changed == by_role["shadow"].n_changed == 0
    champion = frame[frame["role"] == "champion"]
    changed = champion[champion["probability"].between(0.2, 0.5, inclusive="left")]
    assert by_role["champion"].n_changed == len(changed) > 0
    assert by_role["champion"].largest_difference < 1e-12
    places = set(zip(changed["id"], changed["row"], strict=True))
    assert len(found.worst) == min(5, len(changed))
    assert {(each.id, each.row) for each in found.worst} <= places
    assert {(each.was, each.now) for each in found.worst} == {(False, True)}
    assert found.worst[0].id in found.summary()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "estimator"),
    [
        (
            Target(
                task="multiclass", column="arr_delay", edges=(15, 60), labels=("ok", "late", "bad")
            ),
            LogisticRegression(max_iter=500),
        ),
        (Target(task="regression", column="arr_delay"), Ridge()),
    ],
    ids=["multiclass", "regression"],
)
def test_other_tasks_are_replayed_too(
    build, flights, requests, packed, tmp_path, target, estimator
):
    """Their own answers to the last bit; of another kind, only whether the label changed."""
    trainer = build(target=target, estimator=estimator, encoder=TableEncoder(numbers="standardize"))
    bundle = bundle_of(trainer.fit(flights), flights, tmp_path / "bundle")
    logged(tmp_path / "log", requests, Model(bundle=str(bundle.path)))
    rotate(tmp_path / "log")
    frame = read_log(tmp_path / "log")
    (answers,) = replay(Predictor.load(bundle.path), frame).answers
    assert (answers.n_changed, answers.largest_difference) == (0, 0)
    (other,) = replay(Predictor.load(packed), frame).answers
    assert other.n_changed == len(frame)


def test_personal_data_that_a_bundle_needs_are_told(packed, records, tmp_path):
    """Before anything is scored; what may be missing is missing, and said to be."""
    logged(tmp_path / "log", {"r": records}, Model(bundle=str(packed)))
    frame = read_log(tmp_path / "log")
    needs = altered(packed, tmp_path / "needs", pii="carrier")
    with pytest.raises(DataError, match="needs carrier, personal data, which receipts leave out"):
        replay(Predictor.load(needs), frame)
    may = altered(packed, tmp_path / "may", pii="tailnum")
    found = replay(Predictor.load(may), frame)
    assert found.left_out == ["tailnum"]
    assert "no personal data: tailnum" in found.summary()


def test_nothing_to_replay_is_told(log, packed):
    """With the options that may have left all out."""
    with pytest.raises(DataError, match="no receipts to replay"):
        replay(Predictor.load(packed), read_log(log, name="nobody"))


def test_a_canary_of_parts_gives_its_own_answers_again(packed, strict, records, tmp_path):
    """Where a request was shared out, each bundle's part is scored as it was asked."""
    canary = Canary(bundle=str(strict), share=0.5, key="carrier")
    logged(tmp_path / "log", {"r": records}, Model(bundle=str(packed), canary=canary))
    found = replay(Predictor.load(strict), read_log(tmp_path / "log"))
    (answers,) = [each for each in found.answers if each.role == "canary"]
    assert (answers.n_changed, answers.largest_difference) == (0, 0)
