"""What every request leaves in the logs: on each server as a real process, times each framework."""

import contextlib
import json
import signal
from collections import Counter
from typing import Any

import httpx
import pytest
from tests.contract.servers import Server, fresh_id
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

CANARY = "hunter2"
SAME_FORM = {"timestamp", "level", "event", "logger"}
type Records = list[dict[str, Any]]


def call(
    served: Server, path: str, method: str = "GET", **more: Any
) -> tuple[httpx.Response, Records]:
    """Send a request, and give its answer and the records it left."""
    request_id = fresh_id()
    response = served.client.request(method, path, headers={"x-request-id": request_id}, **more)
    assert response.headers["x-request-id"] == request_id
    return response, served.settled(request_id)


def broken_off(served: Server, path: str) -> Records:
    """Send a request whose answer never ends in order, and give the records it left."""
    request_id = fresh_id()
    with contextlib.suppress(httpx.HTTPError):
        served.client.get(path, headers={"x-request-id": request_id})
    return served.settled(request_id)


def websocket(served: Server, how: str, request_id: str) -> ClientConnection:
    url = served.url.replace("http", "ws")
    return connect(f"{url}/ws/{how}", additional_headers={"x-request-id": request_id})


def access(records: Records, event: str = "request") -> dict[str, Any]:
    """Give the one access record."""
    (record,) = [each for each in records if each["logger"] == "bedplate.access"]
    assert record["event"] == event
    return record


def ours(records: Records) -> Records:
    """Give all but what granian notes, at info, of each message that it could not send any more."""
    return [
        each
        for each in records
        if each["level"] != "info" or not each["logger"].startswith("_granian")
    ]


def errors(records: Records) -> Records:
    return [each for each in records if each["level"] in {"error", "critical"}]


def test_every_kind_of_record_has_the_same_form_and_the_requests_id(served: Server) -> None:
    response, records = call(served, "/hello")
    assert response.text.strip('"') == "hello"
    events = ["of structlog", "of standard logging", "of the server", "request"]
    assert [record["event"] for record in records] == events
    assert all(record.keys() >= SAME_FORM for record in records)
    assert {record["request_id"] for record in records} == {records[0]["request_id"]}
    assert [record["place"] for record in records] == ["endpoint"] * 4


def test_what_a_thread_binds_and_logs_belongs_to_its_request(served: Server) -> None:
    _, records = call(served, "/thread")
    assert [record["event"] for record in records] == ["in a thread", "request"]
    assert access(records)["thread"] == "yes"


def test_a_websocket_leaves_one_record(served: Server) -> None:
    request_id = fresh_id()
    with websocket(served, "echo", request_id) as socket:
        socket.send("hello")
        assert socket.recv() == "hello"
        with pytest.raises(ConnectionClosed):
            socket.recv()
    records = served.settled(request_id)
    assert [record["event"] for record in records] == ["in a websocket", "websocket"]
    record = access(records, "websocket")
    assert (record["http.response.status_code"], record["websocket.close_code"]) == (101, 1000)


@pytest.mark.unhappy
def test_a_500_is_a_problem_with_the_id_and_leaves_exactly_one_error_record(served: Server) -> None:
    response, records = call(served, f"/bug/{CANARY}")
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    assert problem["request_id"] == response.headers["x-request-id"]
    (failed,) = errors(records)
    assert failed["event"] == "unhandled exception"
    assert "ValueError: canary password=[redacted]" in failed["exception"]
    record = access(records)
    assert (record["http.response.status_code"], record["error.type"]) == (500, "ValueError")
    assert len(records) == 2


@pytest.mark.unhappy
@pytest.mark.parametrize(("what", "size"), [("chunks", 30), ("events", 27)])
def test_a_stream_leaves_one_record_when_it_is_over(served: Server, what: str, size: int) -> None:
    response, records = call(served, f"/stream/{what}")
    assert len(response.content) == size
    (record,) = records
    assert (record["http.response.status_code"], record["http.response.body.size"]) == (200, size)


@pytest.mark.unhappy
def test_an_error_in_the_middle_of_an_answer_leaves_one_error_and_one_access_record(
    served: Server,
) -> None:
    records = broken_off(served, "/stream/half")
    (failed,) = errors(records)
    assert failed["event"] == "unhandled exception"
    assert len(records) == 2
    # a BaseHTTPMiddleware ends the answer in order, and raises what happened afterwards
    known = {None} if served.app == "fastapi+middleware" else {failed["error.type"]}
    assert {access(records).get("error.type")} == known


@pytest.mark.unhappy
def test_a_client_that_leaves_an_answer_is_499_and_no_error(served: Server) -> None:
    request_id = fresh_id()
    with served.connect() as connection:
        head = f"GET /stream/endless HTTP/1.1\r\nHost: x\r\nX-Request-ID: {request_id}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    records = served.settled(request_id)
    record = access(records)
    assert (record["http.response.status_code"], record["level"]) == (499, "info")
    assert len(ours(records)) == 1


@pytest.mark.unhappy
def test_a_client_that_leaves_before_the_answer_is_one_record_and_no_error(served: Server) -> None:
    request_id = fresh_id()
    with served.connect() as connection:
        head = (
            f"GET /waiting/{request_id} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {request_id}\r\n\r\n"
        )
        connection.sendall(head.encode())
        served.client.get(f"/entered/{request_id}")
    served.client.get(f"/open/{request_id}")
    records = served.settled(request_id)
    assert access(records)["level"] == "info"
    assert len(ours(records)) == 1


@pytest.mark.unhappy
def test_a_request_that_is_cancelled_leaves_one_access_record(served: Server) -> None:
    records = broken_off(served, "/cancelled")
    if served.app == "fastapi+middleware":  # a BaseHTTPMiddleware makes an error of it
        assert access(records)["error.type"] == "RuntimeError"
        assert len(errors(records)) == 1
    else:
        assert access(records)["error.type"] == "CancelledError"
        assert len(records) == 1


@pytest.mark.unhappy
def test_work_after_the_answer_carries_the_id_and_does_not_delay_the_record(served: Server) -> None:
    response, records = call(served, "/background/fine")
    served.wait(lambda: len(served.records(response.headers["x-request-id"])) == 2)
    records = served.records(response.headers["x-request-id"])
    assert [record["event"] for record in records] == ["request", "in the background"]


@pytest.mark.unhappy
def test_work_that_fails_after_the_answer_leaves_one_error_record(served: Server) -> None:
    response, _ = call(served, "/background/bug")
    request_id = response.headers["x-request-id"]
    served.wait(lambda: errors(served.records(request_id)))
    records = served.settled(request_id)
    assert response.status_code == 200
    assert [record["event"] for record in records] == ["request", "unhandled exception"]
    assert "error.type" not in access(records)


@pytest.mark.unhappy
def test_a_websocket_that_fails_leaves_one_error_and_one_access_record(served: Server) -> None:
    request_id = fresh_id()
    with websocket(served, "bug", request_id) as socket, pytest.raises(ConnectionClosed):
        socket.recv()
    records = served.settled(request_id)
    (failed,) = errors(records)
    assert failed["event"] == "unhandled exception"
    assert access(records, "websocket")["error.type"] == "ValueError"
    assert len(records) == 3


@pytest.mark.unhappy
def test_a_domain_error_closes_a_websocket_with_a_code_and_leaves_one_record(
    served: Server,
) -> None:
    request_id = fresh_id()
    with (
        websocket(served, "missing", request_id) as socket,
        pytest.raises(ConnectionClosed) as closed,
    ):
        socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "not_found")
    records = served.settled(request_id)
    assert [record["event"] for record in records] == ["in a websocket", "websocket"]
    record = access(records, "websocket")
    assert (record["websocket.close_code"], record["error.type"]) == (1008, "NotFoundError")


@pytest.mark.unhappy
def test_a_client_that_leaves_a_websocket_is_no_error(served: Server) -> None:
    request_id = fresh_id()
    with websocket(served, "echo", request_id) as socket:
        socket.close()
    records = served.settled(request_id)
    assert [record["level"] for record in records] == ["info", "info"]


@pytest.mark.unhappy
def test_a_websocket_that_is_refused_leaves_one_record(served: Server) -> None:
    request_id = fresh_id()
    with pytest.raises(InvalidHandshake):
        websocket(served, "refused", request_id)
    (record,) = served.settled(request_id)
    assert record["http.response.status_code"] == 403


@pytest.mark.unhappy
def test_what_is_refused_leaves_one_record(served: Server) -> None:
    for path, method, content, status in (
        ("/nowhere", "GET", None, 404),
        ("/echo", "POST", b"x" * 2049, 413),
    ):
        response, records = call(served, path, method, content=content)
        assert response.status_code == status
        assert access(records)["http.response.status_code"] == status
        assert len(records) == 1


@pytest.mark.unhappy
def test_a_hostile_id_is_neither_echoed_nor_logged(served: Server) -> None:
    for hostile in (
        b"canary\x1b[31m",
        b'canary"}{"level":"critical',
        b"canary" * 50,
        b"canary\x80",
    ):
        with served.connect() as connection:
            request = (
                b"GET /open/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: %s\r\n\r\n"
            )
            connection.sendall(request % hostile)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert b"canary" not in answer
    call(served, "/open/x")
    assert not [line for line in served.lines if "canary\\" in line or "canarycanary" in line]
    assert not [record for record in served.records() if record["level"] == "critical"]


@pytest.mark.unhappy
def test_requests_at_once_keep_their_contexts_apart(served: Server) -> None:
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: call(served, "/hello"), range(24)))
    for response, records in answers:
        assert {record["request_id"] for record in records} == {response.headers["x-request-id"]}
        assert len(records) == 4


@pytest.mark.unhappy
def test_in_its_whole_life_no_line_is_of_another_form_and_no_secret_in_it(served: Server) -> None:
    call(served, "/hello")
    exit_code = served.end()
    records = served.records()  # each line parses, or this fails
    assert exit_code in {0, -signal.SIGTERM}  # uvicorn raises the signal again when it is done
    assert all(record.keys() >= SAME_FORM for record in records)
    assert CANARY not in json.dumps([r for r in records if r.get("url.path") != f"/bug/{CANARY}"])
    of_access = [record for record in records if record["logger"] == "bedplate.access"]
    counted = Counter(record["request_id"] for record in of_access)
    assert set(counted.values()) == {1}
    assert {"uvicorn.access", "granian.access", "hypercorn.access"}.isdisjoint(
        record["logger"] for record in records
    )
