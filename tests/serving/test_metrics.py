"""What Prometheus reads."""

import pytest
from promtool_of_tests import promtool
from services_of_tests import serving


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_promtool_finds_nothing_to_say(visit_bundles, tmp_path, workers):
    """Of a service that has answered, refused, and not found what was asked for."""
    models = [
        {"bundle": str(visit_bundles(task)), "name": task} for task in ("binary", "regression")
    ]
    with serving(tmp_path, models=models, workers=workers) as running:
        document = running.client.get("/openapi.json").json()
        for name in ("binary", "regression"):
            posted = document["paths"][f"/models/{name}/predict"]["post"]
            examples = posted["requestBody"]["content"]["application/json"]["examples"]
            for example in examples.values():
                answer = running.client.post(f"/models/{name}/predict", json=example["value"])
                assert answer.status_code == 200
        running.client.post("/predict", json={})
        running.client.get("/nowhere")
        answer = running.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "_created" not in answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert {line.partition("{")[0].split()[0] for line in lines} >= {
        "mlkit_requests_total",
        "mlkit_errors_total",
        "mlkit_request_seconds_count",
        "mlkit_score_count",
        "mlkit_labels_total",
        "mlkit_predicted_number_share_count",
        "mlkit_missing_values_total",
        "mlkit_unknown_values_total",
        "mlkit_model_info",
        "mlkit_model_loaded_timestamp_seconds",
        "mlkit_model_data_end_timestamp_seconds",
    }
    promtool("check", "metrics", given=answer.text)
