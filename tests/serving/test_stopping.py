"""A service that is told to stop says so first, ends what it began, and ends well."""

import json
import signal
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from services_of_tests import PATIENCE, serving


@pytest.mark.parametrize(
    ("workers", "number"),
    [
        (1, signal.SIGTERM),
        pytest.param(1, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(2, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(2, signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_drains_and_ends_with_0(packed, record, tmp_path, workers, number):
    """Not ready, yet answering; what was begun is ended; then nothing listens any more."""
    limits = {"drain_seconds": 1}
    with serving(tmp_path, packed, limits=limits, workers=workers) as running:
        parts = urlsplit(running.address)
        begun = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        body = json.dumps(record).encode()
        begun.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        ready, predict = f"{running.address}/v2/health/ready", f"{running.address}/predict"
        assert httpx.get(ready).json() == {"ready": True}
        running.process.send_signal(number)
        while (found := httpx.get(ready)).status_code == 200:
            pass
        assert (found.status_code, found.json()) == (503, {"ready": False})
        assert found.headers["connection"] == "close"
        last = httpx.post(predict, json=record)
        assert last.status_code == 200
        begun.sendall(body)
        assert begun.recv(12) == b"HTTP/1.1 200"
        begun.close()
        assert running.process.wait(PATIENCE) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.post(predict, json=record)
        assert "Traceback" not in running.told()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ends_with_0_as_soon_as_it_is_told_where_it_serves(packed, tmp_path, workers):
    """Whoever starts it may stop it in the same moment."""
    with serving(tmp_path, packed, workers=workers) as running:
        assert running.stop() == 0


@pytest.mark.slow
def test_a_second_interrupt_does_not_wait(packed, tmp_path):
    """Whoever presses Ctrl+C twice means it."""
    with serving(tmp_path, packed, limits={"drain_seconds": 3600}) as running:
        ready = f"{running.address}/v2/health/ready"
        running.process.send_signal(signal.SIGINT)
        while httpx.get(ready).status_code == 200:
            pass
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(PATIENCE) == 0
