"""Broken requests, a thousand at once: each is refused, and the service goes on as it was."""

import asyncio
import gzip
import json
import random
import struct
from pathlib import Path

import pytest
from services_of_tests import serving

from mlkit import Predictor

N_REQUESTS = 1000
MIB = 2**20
#: What all that is refused at once may leave behind, in MiB.
MOST_GROWN = 100


@pytest.fixture(scope="module")
def service(visit_bundles, tmp_path_factory):
    """Return a service that takes bodies of 1 MiB, and has the patience of a busy machine."""
    limits = {"body_mib": 1, "body_seconds": 60, "batches": N_REQUESTS}
    models = [{"bundle": str(visit_bundles("binary")), "name": "stay"}]
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, models=models, limits=limits, log={"folder": None}) as running:
        yield running


@pytest.fixture(scope="module")
def predictor(visit_bundles) -> Predictor:
    """Return what the service must agree with."""
    return Predictor.load(visit_bundles("binary"))


def request(
    body: bytes = b"",
    path: str = "/predict",
    *,
    method: str = "POST",
    headers: tuple[str, ...] = ("Content-Type: application/json",),
) -> bytes:
    """Return a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(chunk: bytes, count: int) -> bytes:
    """Return a request whose body comes in chunks, of no length that is told."""
    head = request(headers=("Content-Type: application/json", "Transfer-Encoding: chunked"))
    part = b"%x\r\n%s\r\n" % (len(chunk), chunk)
    return head.replace(b"Content-Length: 0\r\n", b"") + part * count + b"0\r\n\r\n"


def infer(tail: bytes = b"", **asked: object) -> bytes:
    """Return a request of the Open Inference Protocol, with bytes behind its JSON."""
    head = json.dumps(asked).encode()
    headers = (
        "Content-Type: application/octet-stream",
        f"Inference-Header-Content-Length: {len(head)}",
    )
    return request(head + tail, "/v2/models/stay/infer", headers=headers)


def age(**changes: object) -> dict:
    """Return an input."""
    return {"name": "age", "shape": [1], "datatype": "FP64", "data": [1.0], **changes}


def sized(size: object, **changes: object) -> dict:
    """Return an input whose values are bytes."""
    tensor = age(parameters={"binary_data_size": size}, **changes)
    del tensor["data"]
    return tensor


def broken_requests(record: dict) -> dict[str, bytes]:
    """Return a request of each kind of fault, and one without what it must have."""
    text = json.dumps(record).encode()

    def with_mass(value: bytes) -> bytes:
        return request(text[:-1] + b', "mass": ' + value + b"}")

    json_faults = {
        "nothing": b"",
        "half a record": text[:-5],
        "no JSON": b"nope",
        "a comma too many": b'{"age": 1,}',
        "a byte order mark": b"\xef\xbb\xbf" + text,
        "UTF-16": json.dumps(record).encode("utf-16"),
        "invalid UTF-8": b'{"doctor": "\xff\xfe"}',
        "half a character": b'{"doctor": "\\ud800"}',
        "half a character as bytes": b'{"doctor": "\xed\xa0\x80"}',
        "a null byte": b"\x00",
        "deep nesting": b"[" * 100_000,
        "nesting that is read": b'{"doctor": ' + b"[" * 980 + b"]" * 980 + b"}",
        "nesting of objects": b'{"a":' * 50_000,
        "text": b'"age"',
        "a number": b"7",
        "null": b"null",
        "a list of numbers": b"[1, 2]",
        "an empty record": b"{}",
        "a table": b'{"age": [1.0], "beds": [1]}',
        "as many lists as fit": b"[" + b"[]," * 300_000 + b"[]]",
        "as many records as fit": b"[" + b"{}," * 300_000 + b"{}]",
        "many empty records": b"[" + b"{}," * 499 + b"{}]",
    }
    values = {
        "NaN": b"NaN",
        "Infinity": b"Infinity",
        "-Infinity": b"-Infinity",
        "a number too large": b"1e999",
        "a whole number too large": b"9" * 300,
        "more digits than Python reads": b"9" * 5000,
        "true": b"true",
        "text for a number": b'"70"',
        "an object": b'{"value": 70}',
        "above the bound": b"700",
        "a noncharacter": b'1, "doctor": "\\ufdd0"',
    }
    inputs = {
        "no inputs": infer(inputs=[]),
        "no column": infer(inputs=[age(name="shoe size")]),
        "a column twice": infer(inputs=[age(), age()]),
        "a number for an id": infer(id=7, inputs=[age()]),
        "a list for an id": infer(id=[[]], inputs=[age()]),
        "an endless shape": infer(inputs=[sized(8, shape=[2**62])]),
        "a shape too large for any integer": infer(inputs=[age(shape=[10**400])]),
        "a negative shape": infer(inputs=[age(shape=[-1])]),
        "a table of a shape": infer(inputs=[age(shape=[1, 2], data=[1.0, 2.0])]),
        "no shape": infer(inputs=[age(shape=[])]),
        "a text for a shape": infer(inputs=[age(shape="1")]),
        "a fraction for a shape": infer(inputs=[age(shape=[1.5])]),
        "fewer values than its shape": infer(inputs=[age(shape=[3])]),
        "columns of two lengths": infer(
            inputs=[age(), age(name="mass", shape=[2], data=[1.0, 2.0])]
        ),
        "an unknown datatype": infer(inputs=[age(datatype="FP8")]),
        "a size beyond the body": infer(bytes(8), inputs=[sized(9)]),
        "a negative size": infer(bytes(8), inputs=[sized(-8)]),
        "a text for a size": infer(bytes(8), inputs=[sized("8")]),
        "true for a size": infer(bytes(8), inputs=[sized(True)]),
        "a size of another datatype": infer(bytes(7), inputs=[sized(7)]),
        "bytes that are no input's": infer(bytes(9), inputs=[sized(8)]),
        "data, and a size": infer(bytes(8), inputs=[sized(8) | {"data": [1.0]}]),
        "NaN where a value must be": infer(struct.pack("<d", float("nan")), inputs=[sized(8)]),
        "a text longer than the body": infer(
            b"\xff\xff\xff\xff", inputs=[sized(4, name="doctor", datatype="BYTES")]
        ),
        "text that is no UTF-8": infer(
            b"\x01\x00\x00\x00\xff", inputs=[sized(5, name="doctor", datatype="BYTES")]
        ),
        "an unknown output": infer(inputs=[age()], outputs=[{"name": "certainty"}]),
        "a head beyond the body": infer(inputs=[age()]).replace(b"Length: 1", b"Length: 99991"),
        "a head of no number": infer(inputs=[age()]).replace(b"ader-Content-Length: ", b"\\0: -"),
        "no request of the protocol": request(text, "/v2/models/stay/infer"),
        "no JSON to infer": request(b"\x00\xff" * 9, "/v2/models/stay/infer"),
    }
    others = {
        "text/plain": request(text, headers=("Content-Type: text/plain",)),
        "a form": request(text, headers=("Content-Type: application/x-www-form-urlencoded",)),
        "no type": request(text, headers=()),
        "a type of no form": request(text, headers=("Content-Type: \xb2;=",)),
        "text/plain to infer": request(text, "/v2/models/stay/infer", headers=("Content-Type: a",)),
        "compressed": request(
            gzip.compress(text),
            headers=("Content-Type: application/json", "Content-Encoding: gzip"),
        ),
        "a length too large": request().replace(b"Length: 0", b"Length: 9999999"),
        "a long body": request(b" " * (MIB + 1)),
        "a long body in chunks": chunked(b" " * 2**16, 40),
        "a body in chunks that is no record": chunked(b"[" * 10, 9),
        "no such address": request(path="/nowhere"),
        "no such model": request(text, "/models/other/predict"),
        "no UTF-8 in the address": request(text, "/models/%ff%00/predict"),
        "no such version": request(text, "/v2/models/stay/versions/0/infer"),
        "another method": request(method="DELETE"),
        "an address up": request(path="/docs/../../etc/passwd", method="GET"),
        "a file up": request(path="/docs/..%2f..%2fpyproject.toml", method="GET"),
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "no length": request().replace(b"Length: 0", b"Length: x"),
    }
    found = {name: request(body) for name, body in json_faults.items()}
    found |= {f"a value of {name}": with_mass(value) for name, value in values.items()}
    return {**found, **inputs, **others}


async def status_of(address: str, content: bytes) -> int:
    """Send a request, and return the status of its answer."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        try:
            writer.write(content)
            await writer.drain()
        except ConnectionError:
            pass  # refused before all was sent: the answer is there
        line = await asyncio.wait_for(reader.readline(), 60)
    finally:
        writer.close()
    return int(line.split()[1])


async def statuses(address: str, contents: list[bytes]) -> list[int]:
    """Send requests at once, each over a connection of its own."""
    return await asyncio.gather(*(status_of(address, content) for content in contents))


def resident(process: int) -> float:
    """Return the memory that a process holds, in MiB."""
    fields = Path(f"/proc/{process}/statm").read_text().split()
    return int(fields[1]) * 4096 / MIB


@pytest.fixture(scope="module")
def record(predictor) -> dict:
    """Return a record without what may be missing."""
    given = predictor.bundle.golden.records[0]
    return {name: given[name] for name in given if not predictor.schema.columns[name].nullable}


def test_every_kind_is_refused(service, record):
    """Each alone, so that it is known which one is not."""
    requests = broken_requests(record)
    found = {name: asyncio.run(status_of(service.address, r)) for name, r in requests.items()}
    odd = {name: status for name, status in found.items() if not 400 <= status < 500}
    assert not odd


@pytest.mark.slow
def test_a_thousand_at_once_are_refused(service, record, predictor):
    """All with 4xx, by the same process, that then answers rightly and has not grown."""
    requests = [*broken_requests(record).values()]
    asyncio.run(statuses(service.address, requests))
    before = resident(service.process.pid)
    draw = random.Random(7)  # noqa: S311
    found = asyncio.run(statuses(service.address, draw.choices(requests, k=N_REQUESTS)))
    assert len(found) == N_REQUESTS
    assert {status // 100 for status in found} == {4}
    assert service.process.poll() is None
    answer = service.client.post("/predict", json=record)
    assert answer.json() == predictor.predict(record).to_dict()
    assert resident(service.process.pid) - before < MOST_GROWN
    assert "Traceback" not in service.told()
