"""Too much is answered, not suffered: the service stays, and goes on."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from services_of_tests import PATIENCE, Running, serving, wait_for

LIMITS = {
    "body_mib": 1,
    "head_seconds": 2,
    "body_seconds": 1,
    "idle_seconds": 1,
    "unread_seconds": 1,
    "waiting": 3,
    "batches": 1,
    "connections": 12,
}


@pytest.fixture(scope="module")
def service(packed, tmp_path_factory) -> Running:
    """Return a service that bears little."""
    with serving(tmp_path_factory.mktemp("pressure"), packed, limits=LIMITS) as running:
        yield running


@pytest.fixture
def connect(service):
    """Return what opens a connection, and sends some bytes."""
    parts = urlsplit(service.address)
    opened = []

    def connected(content: bytes = b"") -> socket.socket:
        found = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        opened.append(found)
        found.sendall(content)
        return found

    yield connected
    for each in opened:
        each.close()


def head(length: int) -> bytes:
    """Return the head of a request with a body of so many bytes."""
    return (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def answer(connection: socket.socket) -> str:
    """Return all that comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts).decode()


def is_well(service: Running, record: dict) -> bool:
    """Whether the next request of a new connection is answered."""
    return httpx.post(f"{service.address}/predict", json=record).status_code == 200


def test_more_requests_than_may_wait_are_sent_away(service, connect, record):
    """503, and when to come again; health and metrics are told; those that wait are answered."""
    body = json.dumps(record).encode()
    waiting = [connect(head(len(body)) + body[:1]) for _ in range(LIMITS["waiting"])]
    # They wait once a fourth is sent away.
    while (found := service.client.post("/predict", json=record)).status_code == 200:
        pass
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
    assert "More than 3 requests wait" in found.json()["error"]
    assert service.client.get("/v2/health/live").status_code == 200
    assert service.client.get("/v2/health/ready").status_code == 200
    assert 'mlkit_errors_total{kind="busy"}' in service.client.get("/metrics").text
    for each in waiting:
        each.sendall(body[1:])
        assert each.recv(12) == b"HTTP/1.1 200"
    assert is_well(service, record)


def test_more_batches_than_may_wait_are_sent_away(service, record):
    """One runs, others get 503, and single records are answered meanwhile."""
    batch = json.dumps([record] * 1500)
    ask = {"content": batch, "headers": {"content-type": "application/json"}}
    with ThreadPoolExecutor(3) as pool:
        url = f"{service.address}/predict"
        found = [pool.submit(httpx.post, url, timeout=PATIENCE, **ask) for _ in range(8)]
        answers = [each.result() for each in found]
    assert {each.status_code for each in answers} == {200, 503}
    assert {each.headers.get("retry-after") for each in answers} == {None, "1"}
    assert is_well(service, record)


def test_a_body_that_does_not_come_is_not_waited_for(service, connect, record):
    """408 after body_seconds, and the connection is closed."""
    told = answer(connect(head(100) + b"{"))
    assert told.startswith("HTTP/1.1 408")
    assert "did not come within 1 s" in told
    assert is_well(service, record)


def test_a_head_that_does_not_come_is_not_waited_for(service, connect, record):
    """The connection is closed, with whatever it began, whether at first or after a request."""
    first = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    begun = (b"", b"POST /predict HTT", b"POST /predict HTTP/1.1\r\nHost: x")
    opened = [connect(content) for content in begun]
    after = [connect(first + content) for content in begun]
    assert [answer(each) for each in opened] == ["", "", ""]
    assert [answer(each)[:12] for each in after] == ["HTTP/1.1 200"] * 3
    assert is_well(service, record)


def test_more_connections_than_may_be_open_are_sent_away(service, connect, record):
    """503, when to come again, and the service answers once others are closed."""
    opened = [connect() for _ in range(LIMITS["connections"])]
    body = json.dumps(record).encode()
    told = answer(connect(head(len(body)) + body))
    assert told.startswith("HTTP/1.1 503")
    assert "retry-after: 1" in told
    assert "More than 12 connections are open" in told
    for each in opened:
        each.close()
    while not is_well(service, record):
        pass
    assert 'mlkit_errors_total{kind="connections"}' in service.client.get("/metrics").text


def test_a_caller_that_does_not_read_is_not_waited_for(service, connect, record):
    """Its connection makes room for others, however much it asked for."""
    long = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(LIMITS["connections"]):
        connect(long * 50)
    wait_for(lambda: is_well(service, record))


def test_a_body_that_is_too_long_is_refused_before_it_is_read(service, connect, record):
    """By what its head says, or as soon as it is too much."""
    assert answer(connect(head(2**20 + 1))).startswith("HTTP/1.1 413")
    chunks = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunks += b"Transfer-Encoding: chunked\r\n\r\n"
    chunks += b"100001\r\n" + b" " * 0x100001 + b"\r\n"
    assert answer(connect(chunks)).startswith("HTTP/1.1 413")
    assert is_well(service, record)
