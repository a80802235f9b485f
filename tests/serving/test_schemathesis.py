"""What schemathesis makes of the OpenAPI document, the service answers as the document says."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from projects import ROOT
from services_of_tests import serving

pytestmark = pytest.mark.slow

#: For each address and method.
N_EXAMPLES = int(os.environ.get("SIMULATIONS", "30"))
#: With the number of their addresses.
ENDPOINTS = {
    "predict": 2,
    "infer": 2,
    "model_metadata": 2,
    "model_ready": 2,
    "server_metadata": 1,
    "live": 1,
    "ready": 1,
    "metrics": 1,
}
TOKEN = "open sesame"  # noqa: S105


@pytest.fixture(scope="module")
def service(visit_bundles, tmp_path_factory):
    """Return a service with a token, of one model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_TOKEN", TOKEN)
        models = [{"bundle": str(visit_bundles("multiclass")), "name": "stay"}]
        folder = tmp_path_factory.mktemp("service")
        with serving(folder, models=models, token_env="SERVICE_TOKEN") as running:  # noqa: S106
            yield running


def test_every_answer_is_a_documented_one(service, tmp_path):
    """All checks hold, and no request ends with 5xx."""
    folder = ROOT / "tests" / "schemathesis"
    command = (
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", folder / "schemathesis.toml", "run", f"{service.address}/openapi.json"),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", N_EXAMPLES, "--seed", 1),
        *("--header", f"Authorization: Bearer {TOKEN}"),
    )
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [str(part) for part in command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "Tested: 12" in done.stdout
    assert "Traceback" not in service.told()
    headers = {"authorization": f"Bearer {TOKEN}"}
    counted = Counter()
    for line in service.client.get("/metrics", headers=headers).text.splitlines():
        found = re.match(r'mlkit_requests_total\{.*endpoint="(\w+)".*\} (\S+)', line)
        if found:
            counted[found[1]] += float(found[2])
    print(dict(counted))  # noqa: T201
    for endpoint, n_addresses in ENDPOINTS.items():
        assert counted[endpoint] >= n_addresses * N_EXAMPLES
