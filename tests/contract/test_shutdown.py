"""Each bare server told to end: what is in flight finishes, what hangs is ended, nothing is lost."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from socket import socket

import pytest
from tests.contract.servers import Server, fresh_id

SERVERS = ("uvicorn", "granian", "hypercorn")
DONE = {0, -signal.SIGTERM}  # uvicorn raises the signal again when it is done
type Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Server] = []

    def start_one(server: str, *options: str) -> Server:
        started.append(Server(server, "fastapi", *options))
        return started[-1]

    yield start_one
    for server in started:
        server.kill()


def half_sent(server: Server, request_id: str) -> socket:
    """Begin a request whose body is not complete, and make sure that the server has it."""
    connection = server.connect()
    head = f"POST /echo HTTP/1.1\r\nHost: x\r\nX-Request-ID: {request_id}\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + b"ab")
    for _ in range(2):
        server.client.get("/open/marker")
    return connection


def rest_of(connection: socket) -> bytes:
    with connection:
        connection.sendall(b"cd")
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("name", SERVERS)
def test_a_request_in_flight_finishes(start: Start, name: str) -> None:
    server = start(name)
    request_id = fresh_id()
    connection = half_sent(server, request_id)
    server.process.send_signal(signal.SIGTERM)
    answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert server.end() in DONE
    (record,) = server.records(request_id)
    assert record["http.response.status_code"] == 200


@pytest.mark.unhappy
@pytest.mark.parametrize("name", SERVERS)
def test_who_is_taken_out_of_the_balancer_before_it_ends_loses_no_request(
    start: Start, name: str
) -> None:
    server = start(name)
    out_of_the_balancer = threading.Event()
    statuses: list[int] = []

    def load(_number: int) -> None:
        while not out_of_the_balancer.is_set():
            statuses.append(server.client.get("/hello").status_code)

    with ThreadPoolExecutor(4) as threads:
        clients = [threads.submit(load, number) for number in range(4)]
        server.wait(lambda: len(statuses) > 40)
        late = half_sent(server, fresh_id())
        out_of_the_balancer.set()  # what Kubernetes does while preStop waits
        for client in clients:
            client.result()
    server.process.send_signal(signal.SIGTERM)
    assert rest_of(late).startswith(b"HTTP/1.1 200")
    assert server.end() in DONE
    assert set(statuses) == {200}


@pytest.mark.unhappy
def test_a_request_that_hangs_is_ended_after_uvicorns_grace_and_recorded(start: Start) -> None:
    server = start("uvicorn", "--timeout-graceful-shutdown=1")
    request_id = fresh_id()
    with half_sent(server, request_id) as connection:
        assert server.end() in DONE
        with contextlib.suppress(OSError):
            assert not connection.recv(4096).startswith(b"HTTP/1.1 200")
    (record,) = [r for r in server.records(request_id) if r["logger"] == "bedplate.access"]
    assert record["http.response.status_code"] in {499, 500}


@pytest.mark.unhappy
def test_a_request_that_hangs_does_not_keep_granian(start: Start) -> None:
    server = start("granian", "--workers-kill-timeout=1")
    with half_sent(server, fresh_id()):
        assert server.end() in {*DONE, 1}
