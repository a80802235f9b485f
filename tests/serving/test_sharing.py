"""A shadow never answers, a canary answers its share, and neither harms a request."""

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from math import sqrt

import pytest
from changed_of_tests import demanding, shy, twin
from hypothesis import given, settings
from hypothesis import strategies as st
from loads_of_tests import receipts
from services_of_tests import serving

from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, ConfigError, DataError
from mlkit.serving.deployment import is_chosen
from mlkit.serving.protocol import DATATYPES
from mlkit.serving.service import Service
from mlkit.serving.settings import Canary, Log, Model, Settings

#: Shorter than any flight, and with more digits than the time in a log.
SHORT = 1.0009765625


@pytest.fixture(scope="module")
def bundles(packed, tmp_path_factory) -> dict:
    """Return the folders of a champion, of one like it, and of one that takes less."""
    folder = tmp_path_factory.mktemp("sharing")
    return {
        "champion": packed,
        "twin": twin(packed, folder / "twin", 1),
        "shy": shy(packed, folder / "shy"),
        "demanding": demanding(packed, folder / "demanding"),
    }


@pytest.fixture
def start(bundles, tmp_path):
    """Return what runs a coroutine function on a service that keeps its receipts."""

    @contextmanager
    def running(**model):
        told = Settings(
            models=(Model(bundle="champion", name="m", **model),),
            log=Log(folder=str(tmp_path / "log"), flush_seconds=0),
        )
        service = Service(told, bundles, trusted=(), signers=None)
        with asyncio.Runner() as runner:

            def ask(records, name):
                return runner.run(service.answer(service.find("m"), records, name))

            ask.service = service
            yield ask
            runner.run(service.close())

    return running


def model(folder) -> str:
    """Return what predictions call a bundle."""
    return Bundle.open(folder).model


def failures(service, role: str) -> float:
    """Return how many requests another bundle had to answer."""
    lines = service.metrics.render().decode().splitlines()
    name = f'mlkit_model_failures_total{{model="m",role="{role}"}} '
    return float(next(line for line in lines if line.startswith(name)).split()[1])


def test_a_shadow_scores_the_same_and_never_answers(start, bundles, record, tmp_path):
    """Each request leaves two receipts with one id: of the answer, and of the shadow."""
    with start(shadow="twin") as ask:
        answers = [ask([record], str(number))[0] for number in range(5)]
        answers += ask([record] * 100, "many")
    assert {answer.model for answer in answers} == {model(bundles["champion"])}
    found = receipts(tmp_path / "log")
    for role, folder in (("champion", bundles["champion"]), ("shadow", bundles["twin"])):
        mine = [each for each in found if each["role"] == role]
        assert {each["model"] for each in mine} == {model(folder)}
        assert sorted(each["id"] for each in mine) == ["0", "1", "2", "3", "4", "many"]


def test_a_shadow_counts_no_value_twice(start, record):
    """What was missing, or unknown, was so once; what was predicted is told by role."""
    odd = {**record, "carrier": "odd", "temp": None}
    with start(shadow="twin") as ask:
        ask([odd], "a")
        text = ask.service.metrics.render().decode()
    assert 'mlkit_missing_values_total{field="temp",model="m"} 1.0' in text
    assert 'mlkit_unknown_values_total{field="carrier",model="m"} 1.0' in text
    for role in ("champion", "shadow"):
        assert f'mlkit_score_count{{model="m",role="{role}"}} 1.0' in text


def test_a_shadow_that_fails_harms_nothing(start, record, tmp_path, caplog):
    """The answer stays; the failure is counted, and logged without what the record held."""
    short = {**record, "distance": SHORT}
    with start(shadow="shy") as ask:
        (answer,) = ask([short], "a")
        ask.service.models["m"].slots["shadow"].deployment.predict = None
        assert ask([record], "b")[0].label in (False, True)
        service = ask.service
    assert answer.probability is not None
    assert failures(service, "shadow") == 2
    assert caplog.text.count("shadow_failed") == 2
    assert str(SHORT) not in caplog.text
    assert [each["id"] for each in receipts(tmp_path / "log")] == ["a", "b"]


@settings(max_examples=30)
@given(share=st.floats(0, 1), salt=st.text(max_size=5))
def test_a_share_is_what_was_asked_for(share, salt):
    """Of many keys, within five standard errors."""
    n_keys = 2000
    chosen = sum(is_chosen(f"key-{number}", share, salt) for number in range(n_keys))
    error = sqrt(share * (1 - share) / n_keys)
    assert abs(chosen / n_keys - share) <= 5 * error + 1 / n_keys


@given(key=st.text(), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_who_was_chosen_stays_as_the_share_grows(key, shares):
    """Nobody goes back and forth while a canary is let in step by step."""
    less, more = sorted(shares)
    assert is_chosen(key, more, "m") or not is_chosen(key, less, "m")


def test_the_same_key_is_chosen_in_every_process():
    """Neither the process nor its hash seed counts."""
    keys = [f"N{number}" for number in range(200)]
    code = (
        "from mlkit.serving.deployment import is_chosen;"
        f"print([is_chosen(key, 0.3, 'm') for key in {keys}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([is_chosen(key, 0.3, "m") for key in keys])


def test_a_canary_answers_its_share_of_requests(start, bundles, record):
    """By the request's id, if no key is named: a request whole, and always the same way."""
    with start(canary=Canary(bundle="twin", share=0.3)) as ask:
        for number in range(50):
            name = f"request-{number}"
            models = {each.model for each in ask([record] * 3, name)}
            chosen = "twin" if is_chosen(name, 0.3, "m") else "champion"
            assert models == {model(bundles[chosen])}


def test_a_canary_answers_record_by_record_by_their_key(start, bundles, record, tmp_path):
    """In a batch each record goes its own way, in order; one without a key by the request's id."""
    keys = [f"N{number}" for number in range(100)]
    records = [{**record, "tailnum": key} for key in keys] + [{**record, "tailnum": None}]
    keys.append("request")
    with start(canary=Canary(bundle="twin", share=0.3, key="tailnum")) as ask:
        answers = ask(records, "request")
        alone = [ask([each], "request")[0] for each in records]
    assert answers == alone
    assert [each.model for each in answers] == [
        model(bundles["twin" if is_chosen(key, 0.3, "m") else "champion"]) for key in keys
    ]
    both = [each for each in receipts(tmp_path / "log") if each["n_records"] > 1]
    assert sorted(each["role"] for each in both) == ["canary", "champion"]
    assert sum(each["n_records"] for each in both) == len(records)


def test_a_version_is_answered_by_no_canary(bundles, record, tmp_path):
    """Who names the champion's version gets the champion; who names none, either."""
    canary = {"bundle": str(bundles["twin"]), "share": 1, "key": "tailnum"}
    served = [{"bundle": str(bundles["champion"]), "name": "m", "canary": canary}]
    inputs = [
        {"name": c.name, "datatype": DATATYPES[c.kind], "shape": [1], "data": [record[c.name]]}
        for c in Bundle.open(bundles["champion"]).schema.columns.values()
        if c.known_before
    ]
    version = Bundle.open(bundles["champion"]).manifest.digest[:12]
    other = Bundle.open(bundles["twin"]).manifest.digest[:12]
    with serving(tmp_path, models=served) as service:
        for path, expected in ((f"/versions/{version}", version), ("", other)):
            found = service.client.post(f"/v2/models/m{path}/infer", json={"inputs": inputs})
            assert found.json()["model_version"] == expected


def test_a_key_is_the_same_however_it_is_written(start, record):
    """A whole number with a point, or without."""
    with start(canary=Canary(bundle="twin", share=0.5, key="distance")) as ask:
        for number in range(20, 60):
            ways = ({**record, "distance": written} for written in (number, float(number)))
            assert len({ask([each], "a")[0].model for each in ways}) == 1


def test_a_key_that_is_no_value_is_refused(start, record):
    """However deep a list it is."""
    deep = []
    for _ in range(994):
        deep = [deep]
    with (
        start(canary=Canary(bundle="twin", share=0.3, key="tailnum")) as ask,
        pytest.raises(DataError, match="tailnum"),
    ):
        ask([{**record, "tailnum": deep}], "a")


def test_what_a_canary_cannot_answer_the_champion_does(start, bundles, record, tmp_path, caplog):
    """Whether it refuses a record that the champion takes, or breaks; told and counted."""
    short = {**record, "distance": SHORT}
    with start(canary=Canary(bundle="shy", share=1)) as ask:
        assert ask([record], "a")[0].model == model(bundles["shy"])
        assert ask([short], "b")[0].model == model(bundles["champion"])
        ask.service.models["m"].slots["canary"].deployment.predict = None
        assert ask([record] * 100, "c")[0].model == model(bundles["champion"])
        assert failures(ask.service, "canary") == 2
    assert caplog.text.count("canary_failed") == 2
    assert str(SHORT) not in caplog.text
    found = {each["id"]: each["model"] for each in receipts(tmp_path / "log")}
    assert found == {
        "a": model(bundles["shy"]),
        "b": model(bundles["champion"]),
        "c": model(bundles["champion"]),
    }


def test_a_record_that_nobody_takes_is_refused_by_its_place(start, record, tmp_path):
    """The place is that in the request, no failure is counted, and nothing leaves a receipt."""
    keys = [f"N{number}" for number in range(20)]
    records = [{**record, "tailnum": key} for key in keys]
    wrong = next(place for place, key in enumerate(keys) if is_chosen(key, 0.3, "m") and place)
    records[wrong]["carrier"] = None
    with start(canary=Canary(bundle="twin", share=0.3, key="tailnum")) as ask:
        with pytest.raises(DataError, match=f"Record {wrong}: .*carrier"):
            ask(records, "a")
        assert failures(ask.service, "canary") == 0
    assert receipts(tmp_path / "log") == []


def test_a_key_must_be_a_field(start):
    """It is told at the start, with the nearest field."""
    with (
        pytest.raises(ConfigError, match=r"the key tailnumber\. Did you mean tailnum\?"),
        start(canary=Canary(bundle="twin", share=0.3, key="tailnumber")),
    ):
        pass


@pytest.mark.parametrize(
    "model", [{"shadow": "demanding"}, {"canary": Canary(bundle="demanding", share=0.1)}]
)
def test_beside_a_champion_stands_what_takes_the_same(start, model):
    """It is told at the start that another bundle needs more."""
    with pytest.raises(BundleError, match="pressure"), start(**model):
        pass


def test_two_models_have_two_names(bundles, tmp_path):
    """The error says which name, and what to do."""
    models = (Model(bundle="champion"), Model(bundle="twin"))
    with pytest.raises(ConfigError, match="Two models are called flight-delay"):
        Service(Settings(models=models, log=Log(folder=None)), bundles, trusted=(), signers=None)
