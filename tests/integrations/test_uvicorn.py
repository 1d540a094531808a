"""FastAPI under a real uvicorn with its own logging configuration."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PORT = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


class Server:
    """A uvicorn process, what it writes, and its address."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", "served:create_app", "--port", "0", "--app-dir",
             str(Path(__file__).parent)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.port = int(self.until(PORT).group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """Open a connection, to speak HTTP by hand."""
        return socket.create_connection(("127.0.0.1", self.port))

    def until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Read the log up to a line."""
        for line in self.output:
            self.lines.append(line)
            if match := pattern.search(line):
                return match
        raise AssertionError("".join(self.lines))

    def stop(self) -> list[dict[str, Any]]:
        """End the process and give every record; a line that is no record fails."""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=30)
        return [json.loads(line) for line in [*self.lines, *rest.splitlines()]]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.process.kill()
    server.process.wait()
    server.output.close()


def of(records: list[dict[str, Any]], logger: str) -> list[dict[str, Any]]:
    return [record for record in records if record.get("logger") == logger]


def test_all_records_share_one_format_and_the_request_id(server: Server) -> None:
    response = httpx.get(f"{server.url}/hello", headers={"x-request-id": "abcdefgh"})
    records = server.stop()
    assert response.headers["x-request-id"] == "abcdefgh"
    about = [record["event"] for record in records if record.get("request_id") == "abcdefgh"]
    assert about == ["of structlog", "of standard logging", "request"]
    assert "Application startup complete." in [
        record["event"] for record in of(records, "uvicorn.error")
    ]
    assert {"timestamp", "level", "event", "logger"} <= set.intersection(
        *(set(record) for record in records)
    )


@pytest.mark.unhappy
def test_a_500_carries_the_id_and_leaves_exactly_one_error_record(server: Server) -> None:
    response = httpx.get(f"{server.url}/bug/hunter2")
    records = server.stop()
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == response.headers["x-request-id"]
    (failed,) = [record for record in records if record["level"] == "error"]
    assert (failed["event"], failed["request_id"]) == ("unhandled exception", problem["request_id"])
    (access,) = of(records, "bedplate.access")
    assert (access["http.response.status_code"], access["error.type"]) == (500, "ValueError")
    assert "canary" not in response.text
    assert "hunter2" not in failed["exception"]


@pytest.mark.unhappy
def test_uvicorns_own_access_records_are_gone(server: Server) -> None:
    for path in ("/hello", "/nowhere", "/health/ready"):
        httpx.get(server.url + path)
    records = server.stop()
    assert not of(records, "uvicorn.access")
    assert [record["http.response.status_code"] for record in of(records, "bedplate.access")] == [
        200,
        404,
        200,
    ]


@pytest.mark.unhappy
def test_a_client_that_hangs_up_is_499_and_no_error(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    server.until(re.compile('"http.route":"/endless"'))
    records = server.stop()
    (access,) = of(records, "bedplate.access")
    assert (access["http.response.status_code"], access["level"]) == (499, "info")
    assert not [record for record in records if record["level"] in {"error", "warning"}]


@pytest.mark.unhappy
def test_a_request_in_flight_finishes_although_the_process_is_told_to_end(server: Server) -> None:
    with server.connect() as waiting, server.connect() as releasing:
        waiting.sendall(b"GET /waiting HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        releasing.sendall(b"POST /release HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
        httpx.get(f"{server.url}/begun")
        server.process.send_signal(signal.SIGTERM)
        server.until(re.compile("Shutting down"))
        releasing.sendall(b"!")
        answer = b"".join(iter(lambda: waiting.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    records = server.stop()
    assert "/waiting" in [record["http.route"] for record in of(records, "bedplate.access")]


@pytest.mark.unhappy
def test_hostile_requests_are_answered_and_recorded_on_one_line_each(server: Server) -> None:
    for path in (
        b"/a%0d%0ab",
        b"/%1b[31m",
        b"/%ff%fe",
        b"/lovelace@example.org",
        b"/" + b"x" * 8000,
    ):
        with server.connect() as connection:
            head = (
                b"GET "
                + path
                + b" HTTP/1.1\r\nHost: x\r\nX-Request-ID: canary\x80\x1b\r\nConnection: close\r\n\r\n"
            )
            connection.sendall(head)
            while connection.recv(1000):
                pass
    records = server.stop()  # each line parses, or this fails
    assert "canary" not in json.dumps(records)
    assert "lovelace" not in json.dumps(of(records, "bedplate.access"))
