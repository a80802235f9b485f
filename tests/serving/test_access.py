"""Each request leaves a line in the access log."""

import json

import httpx
from services_of_tests import serving


def test_every_request_leaves_a_line(packed, record, tmp_path):
    """With its id, what was asked and what came of it; the last ones as well when it stops."""
    with serving(tmp_path, packed) as running:
        named = {"x-request-id": "first"}
        httpx.post(f"{running.address}/predict", json=record, headers=named)
        httpx.post(f"{running.address}/predict", json=[], headers={"x-request-id": "second"})
        last = httpx.get(f"{running.address}/nowhere")
        running.stop()
    lines = [json.loads(line) for line in running.told().splitlines() if "_answered" in line]
    found = {line["request"]: line for line in lines}
    asked = {
        "first": ("POST", "/predict", 200),
        "second": ("POST", "/predict", 200),
        last.headers["x-request-id"]: ("GET", "/nowhere", 404),
    }
    for name, (method, path, status) in asked.items():
        line = found[name]
        assert line.pop("ms") > 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "request": name,
            "method": method,
            "path": path,
            "status": status,
            "client": "127.0.0.1",
            "event": "request_answered",
        }
