"""The service describes itself: for programs in OpenAPI, for people on a page."""

import jsonschema_rs
import pytest
from browsers_of_tests import browsing
from changed_of_tests import shy
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from services_of_tests import serving
from visits_of_tests import TARGETS, Visit

from mlkit import Predictor
from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError
from mlkit.serving.settings import read_settings


@pytest.fixture(scope="module")
def service(visit_bundles, tmp_path_factory):
    """Return a service of a model of each task."""
    models = [{"bundle": str(visit_bundles(task)), "name": task} for task in TARGETS]
    with serving(tmp_path_factory.mktemp("service"), models=models) as running:
        yield running


@pytest.fixture(scope="module")
def document(service) -> dict:
    """Return the document."""
    return service.client.get("/openapi.json").json()


def examples_of(node: dict) -> list:
    """Return the examples of a body as JSON."""
    return [each["value"] for each in node["content"]["application/json"]["examples"].values()]


def schema_of(document: dict, node: dict) -> dict:
    """Return the schema of a body, with what it refers to."""
    return {
        **node["content"]["application/json"]["schema"],
        "components": document["components"],
    }


def posts(document: dict) -> list[tuple[str, dict]]:
    """Return the addresses that are posted to, without placeholders, and their operations."""
    return [
        (path, methods["post"])
        for path, methods in document["paths"].items()
        if "post" in methods and "{" not in path
    ]


def test_examples_are_real(service, document):
    """Each is valid, is answered, and the answer's example is that answer."""
    assert len(posts(document)) == 1 + 2 * len(TARGETS)
    for path, operation in posts(document):
        asked, answered = operation["requestBody"], operation["responses"]["200"]
        pairs = list(zip(examples_of(asked), examples_of(answered), strict=True))
        assert pairs
        for sent, expected in pairs:
            assert jsonschema_rs.is_valid(schema_of(document, asked), sent)
            assert jsonschema_rs.is_valid(schema_of(document, answered), expected)
            answer = service.client.post(path, json=sent)
            assert (answer.status_code, answer.json()) == (200, expected)


def test_examples_are_golden_rows_without_personal_data(document, visit_bundles):
    """Of a bundle's own rows, with the constants that stand for what is personal."""
    golden = Predictor.load(visit_bundles("binary")).bundle.golden.records
    posted = document["paths"]["/models/binary/predict"]["post"]
    assert examples_of(posted["requestBody"]) == [golden[0], golden[:2]]
    assert {record["patient"] for record in golden} == {"redacted"}


def test_says_what_a_record_is(document):
    """In the schema's own words."""
    assert document["components"]["schemas"]["binary-record"] == Visit.json_schema()


def test_says_what_may_be_answered(document):
    """Each status of each operation; none of a token where there is none."""
    expected = {
        "/predict": {200, 400, 408, 413, 415, 422, 500, 503},
        "/v2/models/binary/infer": {200, 400, 408, 413, 415, 422, 500, 503},
        "/v2/models/binary/versions/{version}/infer": {
            *(200, 400, 404, 408, 413, 415, 422, 500, 503)
        },
        "/v2/models/binary/versions/{version}": {200, 404, 500, 503},
        "/v2/health/ready": {200, 500, 503},
        "/metrics": {200, 500, 503},
    }
    for path, statuses in expected.items():
        (operation,) = document["paths"][path].values()
        assert {int(status) for status in operation["responses"]} == statuses
    assert "security" not in document


def test_says_how_to_show_a_token(visit_bundles, tmp_path, monkeypatch):
    """Where there is one: for all but health, and to read the document itself."""
    monkeypatch.setenv("SERVICE_TOKEN", "open sesame")
    models = [{"bundle": str(visit_bundles("binary")), "name": "binary"}]
    with serving(tmp_path, models=models, token_env="SERVICE_TOKEN") as running:  # noqa: S106
        assert running.client.get("/openapi.json").status_code == 401
        assert running.client.get("/docs").status_code == 200
        headers = {"authorization": "Bearer open sesame"}
        found = running.client.get("/openapi.json", headers=headers).json()
    assert found["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in found["paths"]["/predict"]["post"]["responses"]
    assert found["paths"]["/v2/health/live"]["get"]["security"] == []


def test_follows_a_change_of_bundle(packed, tmp_path):
    """What a record may be is what the bundle in use takes."""
    place = tmp_path / "place"
    place.write_text(str(packed))
    folder = tmp_path / "run"
    folder.mkdir()
    models = [{"bundle": str(place), "name": "flight-delay"}]
    with serving(folder, models=models, watch_seconds=0.05) as running:

        def least() -> float:
            document = running.client.get("/openapi.json").json()
            record = document["components"]["schemas"]["flight-delay-record"]
            return record["properties"]["distance"]["minimum"]

        before = least()
        other = shy(packed, tmp_path / "shy")
        place.write_text(str(other))
        for _ in range(10_000):
            if least() != before:
                break
        shortest = min(each["distance"] for each in Bundle.open(other).golden.records)
        assert before < least() == shortest


def test_a_name_can_stand_in_an_address(tmp_path):
    """Another is refused before any bundle is looked for."""
    for name in ("a/b", "{model}", "..", "", "A"):
        with pytest.raises(ConfigError, match="matching regex"):
            read_settings(tmp_path / "none", {"models": [{"bundle": "b", "name": name}]})


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a browser."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.slow
def test_the_page_shows_all_of_it_offline(service, document, browser):
    """Every operation, with nothing fetched from elsewhere, and no complaint."""
    browser.get(f"{service.address}/docs")
    wait = WebDriverWait(browser, 60)
    n_operations = sum(len(methods) for methods in document["paths"].values())
    wait.until(lambda b: len(b.find_elements(By.CSS_SELECTOR, ".opblock")) == n_operations)
    assert browser.get_log("browser") == []
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert f"{service.address}/openapi.json" in fetched
    assert all(name.startswith((service.address, "data:")) for name in fetched)
    browser.find_element(By.CSS_SELECTOR, "#operations-binary-predict button").click()
    shown = wait.until(
        lambda b: b.find_element(By.CSS_SELECTOR, "#operations-binary-predict .opblock-body").text
    )
    assert "redacted" in shown
