"""A bundle predicts what its pipeline does, in every form that one may ask."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bundles_of_tests import bundle_of
from sklearn.linear_model import LogisticRegression, Ridge

from mlkit import Evaluator, Predictor, TableEncoder, Target, pack
from mlkit.core.errors import BundleError, ConfigError, DataError, FeaturizerError
from mlkit.scoring.prediction import Latency


def records(frame: pd.DataFrame) -> list[dict]:
    """Return rows as the scoring side sends them: plain values, no outcomes."""
    known = frame.drop(columns=["dep_delay", "arr_delay", "air_time"]).astype(object)
    return known.where(known.notna(), None).to_dict("records")


def test_one_many_and_a_table_agree(predictor, flights):
    """A record, a list of records, a frame and columns get the same predictions."""
    rows = flights.head(40)
    sent = records(rows)
    table = predictor.predict(rows)
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    for found in (
        predictor.predict(sent),
        [predictor.predict(record) for record in sent],
        list(predictor.predict(columns)),
    ):
        assert [p.label for p in found] == table.label.tolist()
        shares = [p.probability for p in found]
        # Trees may be added up in another order for one row than for many.
        np.testing.assert_allclose(shares, table.probability, rtol=0, atol=1e-14)
    assert predictor.predict([]) == []
    assert len(predictor.predict(rows.iloc[:0])) == 0


def test_scores_are_the_pipelines(predictor, python_packed, trainer, flights):
    """The loaded bundle scores as the model that was packed; in Python, exactly."""
    model = trainer.fit(flights)
    expected = model.scores(model.schema.validate(flights))
    in_python = Predictor.load(python_packed, trusted=["flight_delay"])
    np.testing.assert_array_equal(in_python.predict(flights).probability, expected)
    found = predictor.predict(flights).columns()
    np.testing.assert_allclose(found["probability"], expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found["prediction"], expected >= 0.5)


def test_a_prediction_names_its_model(predictor, flights):
    """The answer carries the bundle's name and digest, and becomes JSON without empty fields."""
    prediction = predictor.predict(records(flights.head(1)))[0]
    assert prediction.model == predictor.bundle.model
    assert prediction.model.startswith("flight-delay/")
    assert set(prediction.to_dict()) == {"label", "probability", "model"}


def test_threads_share_a_predictor(predictor, flights):
    """Many threads at once get what one gets."""
    sent = records(flights.head(60))
    expected = [predictor.predict(record) for record in sent]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(predictor.predict, sent)) == expected


def test_a_bad_record_is_named_by_its_place(predictor, flights):
    """Among many records, the error says which one is at fault, and how."""
    sent = records(flights.head(3))
    sent[1]["distance"] = -1
    del sent[1]["carrier"]
    with pytest.raises(DataError, match=r"Record 1: .*carrier: is missing; distance: is not at"):
        predictor.predict(sent)
    with pytest.raises(DataError, match=r"^Not a record of Flight: distance"):
        predictor.predict({**sent[0], "distance": "far"})


def test_all_bad_records_are_named_at_once(predictor, flights):
    """The first five in words, the others by their number; every violation with its place."""
    sent = records(flights.head(9))
    for record in sent[1:8]:
        record["distance"] = -1
    sent[8] = None
    with pytest.raises(DataError) as caught:
        predictor.predict(sent)
    told = str(caught.value)
    shown = [told.count(f"Record {n}: Not a record of Flight: distance") for n in range(9)]
    assert shown == [0, 1, 1, 1, 1, 1, 0, 0, 0]
    assert told.endswith(". And 3 more.")
    assert [(v.column, v.rows, v.found) for v in caught.value.violations] == [
        ("distance", (n,), ("-1",)) for n in range(1, 8)
    ]


@pytest.mark.parametrize(
    ("form", "advice"),
    [
        (lambda _: 7, r"got int\.$"),
        (lambda _: "flight", r"got str\.$"),
        (lambda frame: frame.iloc[0], r"got pandas\.Series\. Give its to_dict\(\)\."),
        (pa.Table.from_pandas, r"got pyarrow\.Table\. Give its to_pandas\(\)\."),
        (lambda frame: frame.to_records(), r"got numpy\.recarray\. Give \{name: array\[name\] for"),
        (lambda frame: iter(records(frame)), r"got list_iterator\. Give a list of what it yields"),
        (lambda frame: frame.to_dict(), r"no columns of a table: carrier \(dict\)"),
        (lambda frame: [frame.iloc[0]], r"A record of Flight maps names to values; found Series"),
        (lambda _: {"carrier": [["UA"], ["B6", "AA"]]}, r"carrier: is not text .*distance: is abs"),
    ],
)
def test_what_is_no_table_is_refused_with_advice(predictor, flights, form, advice):
    """Rows, other libraries' tables and iterators: what to give instead is in the message."""
    with pytest.raises(DataError, match=advice):
        predictor.predict(form(flights.head(2)))


def test_the_advice_is_good(predictor, flights):
    """What the messages say to give gets the predictions of the frame."""
    frame = flights.head(3)
    expected = predictor.predict(frame)
    rows = frame.drop(columns="tailnum").to_records(index=False)
    without = predictor.predict(frame.drop(columns="tailnum"))
    assert predictor.predict(pa.Table.from_pandas(frame).to_pandas()) == expected
    assert predictor.predict({name: rows[name] for name in rows.dtype.names}) == without
    assert predictor.predict(frame.iloc[0].to_dict()) == expected[0]


def test_an_absent_column_is_logged_once(packed, flights, caplog):
    """By each predictor, however many tables lack it."""
    for _ in range(2):
        predictor = Predictor.load(packed)
        caplog.clear()
        with caplog.at_level("WARNING"):
            for frame in (flights.head(2), flights.head(3), flights.head(2).drop(columns="temp")):
                predictor.predict(frame.drop(columns="humid"))
        logged = [(record.msg["event"], record.msg["column"]) for record in caplog.records]
        assert logged == [("column_defaulted", "humid"), ("column_defaulted", "temp")]


def test_predictions_are_a_sequence(predictor, flights):
    """Indices, slices, membership and equality are those of a list of the predictions."""
    table = predictor.predict(flights.head(5))
    listed = list(table)
    assert [table[row] for row in range(-5, 5)] == [listed[row] for row in range(-5, 5)]
    assert table[np.int64(1)] == listed[1]
    assert list(table[1:4:2]) == listed[1:4:2]
    assert list(table[::-1]) == list(reversed(table)) == listed[::-1]
    assert table[3:].probability.tolist() == table.probability[3:].tolist()
    assert list(table[5:]) == []
    assert (table.index(listed[2]), table.count(listed[2])) == (2, listed.count(listed[2]))
    assert table == predictor.predict(flights.head(5))
    assert table != table[:4]
    assert table != listed
    for row in (5, -6):
        with pytest.raises(IndexError):
            table[row]
    for row in (1.0, "label", np.array([True, False])):
        with pytest.raises(TypeError):
            table[row]


def test_hooks_change_records_and_answers(packed, flights):
    """A subclass sees each raw record before, and each prediction after."""

    class Polite(Predictor):
        def preprocess(self, record):
            return {**record, "carrier": record.pop("airline")}

        def postprocess(self, prediction, record):
            return f"{record['carrier']}: {prediction.probability:.2f}"

    record = records(flights.head(1))[0]
    plain = Predictor.load(packed).predict(record)
    renamed = {**record, "airline": record.pop("carrier")}
    polite = Polite.load(packed)
    with pytest.raises(DataError, match="Record 1: A record of Flight maps names to values"):
        polite.predict([{**renamed}, 7])
    assert polite.latency(3).n_calls == 3
    assert polite.predict(renamed) == f"{renamed['airline']}: {plain.probability:.2f}"


@pytest.mark.parametrize("hook", ["preprocess", "postprocess"])
def test_a_table_does_not_slip_past_a_hook(packed, flights, hook):
    """Where a hook is overridden, a frame and columns are refused, with what to give."""
    hooked = type("Hooked", (Predictor,), {hook: lambda _, first, *__: first}).load(packed)
    rows = flights.head(2)
    for table in (rows, {name: rows[name].to_numpy() for name in rows}):
        with pytest.raises(DataError, match=rf"Hooked has its own {hook}.*to_dict\(.records"):
            hooked.predict(table)
    expected = list(Predictor.load(packed).predict(rows))
    assert hooked.predict(rows.to_dict("records")) == expected


def test_latency_says_its_unit():
    """Whoever prints it need not look it up."""
    assert str(Latency(p50=31.4, p99=58.6, n_calls=1000)) == "31 µs (p99 59 µs) of 1,000 calls"


@pytest.mark.parametrize("make", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_predictor_is_not_pickled(predictor, make):
    """The error says what another process does instead."""
    with pytest.raises(TypeError, match=r"not pickled or copied\. .*Predictor\.load\('.*'\)"):
        make(predictor)


def test_latency_needs_a_call(predictor):
    """None, or fewer, measure nothing."""
    for n_calls in (0, -1):
        with pytest.raises(ConfigError, match=f"at least 1 call, got n_calls={n_calls}"):
            predictor.latency(n_calls)


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
)
def test_other_tasks_have_answers_of_their_own(build, flights, tmp_path, target, estimator):
    """A class with every class's probability, or a number."""
    model = build(
        target=target,
        estimator=estimator,
        encoder=TableEncoder(numbers="standardize"),
    ).fit(flights)
    bundle_of(model, flights, tmp_path / "m")
    predictor = Predictor.load(tmp_path / "m", trusted=["flight_delay"])
    prediction = predictor.predict(records(flights.head(1)))[0]
    table = predictor.predict(flights.head(1))
    assert list(table) == [prediction]
    nothing = predictor.predict(flights.head(0))
    assert (list(nothing), set(nothing.columns())) == ([], set(table.columns()))
    assert json.loads(json.dumps(prediction.to_dict())) == prediction.to_dict()
    if target.task == "regression":
        assert prediction.to_dict() == {"label": prediction.label, "model": prediction.model}
        assert isinstance(prediction.label, float)
        assert set(table.columns()) == {"prediction"}
    else:
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        best = max(prediction.probabilities, key=prediction.probabilities.get)
        assert (prediction.label, prediction.probability) == (best, prediction.probabilities[best])
        assert set(table.columns()) == {
            "prediction",
            "probability",
            "probability_ok",
            "probability_late",
            "probability_bad",
        }


def test_what_is_trusted_is_the_readers_word(packed, python_packed):
    """Where Python runs it, the project's classes are refused without trust; a graph has none."""
    with pytest.raises(BundleError, match=r"flight_delay\.features\.FlightFeaturizer"):
        Predictor.load(python_packed)
    assert Predictor.load(packed).bundle.manifest.runtime == "onnx"


def test_a_class_from_main_cannot_be_packed(trainer, build, flights, tmp_path, caplog):
    """A featurizer that only this script knows is refused at once, and nothing is written."""
    kind = type(trainer.featurizer)
    model = build(featurizer=type("Notebook", (kind,), {"__module__": "__main__"})()).fit(flights)
    evaluation = Evaluator(n_resamples=0).evaluate(model, flights)
    with (
        caplog.at_level("INFO"),
        pytest.raises(FeaturizerError, match="Notebook is defined in __main__"),
    ):
        pack(model, evaluation, flights, tmp_path / "m", name="m")
    assert list(tmp_path.iterdir()) == []
    events = [record.msg["event"] for record in caplog.records]
    assert events[-1] == "packing_started"
