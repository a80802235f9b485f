"""Ask a server over HTTP/1.1, as fast as it answers, without being what is measured.

Sockets and an epoll: about 20 µs of the client's core a request, where an HTTP library
takes more than some of the servers do.
"""

import re
import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

#: In s; a server that loads its model takes connections before it answers.
PATIENCE = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_MOST = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server answered to a number of connections that each wait for their answers.

    Attributes
    ----------
    seconds
        Of the load.
    latencies
        From the first byte sent to the last received, in ms, sorted.
    """

    seconds: float
    latencies: np.ndarray

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return what so many of 100 answers took at most, in ms."""
        return float(self.latencies[int(len(self.latencies) * share / 100)])


def request(path: str, body: bytes) -> bytes:
    """Return the bytes of a request."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connect(port: int) -> socket.socket:
    """Open a connection to this machine."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection: socket.socket, asked: bytes) -> bytes:
    """Send a request, and return the body of its answer.

    Raises
    ------
    ConnectionError
        If it is not answered, or not with 200.
    """
    connection.sendall(asked)
    answer = b""
    while not is_whole(answer):
        part = connection.recv(_MOST)
        if not part:
            raise ConnectionError(f"The server hung up after {answer!r}.")
        answer += part
    check(answer)
    return answer.partition(_END)[2]


def load(port: int, requests: Sequence[bytes], *, seconds: float, connections: int = 4) -> Load:
    """Send requests in turn over so many connections, each the next when it has its answer.

    Raises
    ------
    ConnectionError
        If one is not answered, or not with 200.
    """
    poll = select.epoll()
    opened = [connect(port) for _ in range(connections)]
    by_file = {each.fileno(): each for each in opened}
    parts = dict.fromkeys(by_file, b"")
    sent: dict[int, int] = {}
    took: list[int] = []
    number = 0
    start = perf_counter_ns()
    end = start + int(seconds * 1e9)
    for file, each in by_file.items():
        poll.register(file, select.EPOLLIN)
        sent[file] = perf_counter_ns()
        each.sendall(requests[number % len(requests)])
        number += 1
    while sent:
        ready = poll.poll(PATIENCE)
        if not ready:
            raise ConnectionError(f"No answer within {PATIENCE:g} s.")
        for file, _ in ready:
            part = by_file[file].recv(_MOST)
            answer = parts[file] + part if parts[file] else part
            if not is_whole(answer):
                if not part:
                    raise ConnectionError(f"The server hung up after {answer!r}.")
                parts[file] = answer
                continue
            now = perf_counter_ns()
            check(answer)
            parts[file] = b""
            took.append(now - sent[file])
            if now >= end:
                del sent[file]
                continue
            sent[file] = perf_counter_ns()
            by_file[file].sendall(requests[number % len(requests)])
            number += 1
    stop = perf_counter_ns()
    for each in opened:
        each.close()
    poll.close()
    latencies = np.sort(np.array(took, dtype="float64") / 1e6)
    return Load(seconds=(stop - start) / 1e9, latencies=latencies)


def is_whole(answer: bytes) -> bool:
    """Whether all bytes of an answer are there."""
    end = answer.find(_END)
    if end < 0:
        return False
    length = _LENGTH.search(answer, 0, end + 2)
    if length is None:
        raise ConnectionError(f"An answer without its length: {answer[:200]!r}")
    return len(answer) >= end + len(_END) + int(length[1])


def check(answer: bytes) -> None:
    """Raise ConnectionError if an answer has another status than 200."""
    if answer[9:12] != b"200":
        raise ConnectionError(f"Not answered, but refused: {answer[:1000]!r}")
