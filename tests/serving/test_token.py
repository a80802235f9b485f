"""Who shows no token is told to; health is open to all."""

import pytest
from services_of_tests import Running, serving


@pytest.fixture(scope="module")
def service(packed, tmp_path_factory) -> Running:
    """Return a service that asks for a token."""
    options = {"token_env": "SERVICE_TOKEN"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_TOKEN", "s3cret")
        folder = tmp_path_factory.mktemp("token")
        with serving(folder, packed, **options) as running:
            yield running


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer s3cret"},
        {"authorization": "bearer  s3cret"},
        {"x-api-key": "s3cret"},
    ],
)
def test_a_token_opens(service, record, headers):
    """As a bearer's, or as an API key."""
    assert service.client.post("/predict", json=record, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer s3cre"},
        {"authorization": "Bearer s3cret2"},
        {"authorization": "Basic s3cret"},
        {"authorization": "s3cret"},
        {"x-api-key": ""},
        {"x-api-key": "S3CRET"},
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/metrics", "/v2", "/nowhere"])
def test_anything_else_does_not(service, record, headers, path):
    """401 wherever it goes, and the token is in no answer."""
    found = service.client.post(path, json=record, headers=headers)
    assert found.status_code == 401
    assert found.headers["www-authenticate"] == "Bearer"
    assert "s3cret" not in found.text


def test_health_is_open(service):
    """An orchestrator has no token."""
    assert service.client.get("/v2/health/live").status_code == 200
    assert service.client.get("/v2/health/ready").status_code == 200
