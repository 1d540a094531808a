"""PostgreSQL goes away under load and comes back, behind a service that goes on."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.database.embedded.conftest import Cluster

from bedplate.database.embedded import EmbeddedPostgres
from bedplate.secret_strength import generate_secret

CLIENTS = 8
PORT = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


class Service:
    """A process that serves, and what it writes."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", "outage_app:create_app", "--port", "0",
             "--app-dir", str(Path(__file__).parent)],
            env={**os.environ, "ENVIRONMENT": "production", "SECRET_KEY": generate_secret(), "DATABASE_URL": url},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self.address = ""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        eventually(lambda: self.address)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if not self.address and (match := PORT.search(line)):
                self.address = f"http://127.0.0.1:{match.group(1)}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=60, trust_env=False)

    def end(self) -> list[dict[str, Any]]:
        """Stop it and give every record; a line that is no record fails."""
        self.process.terminate()
        assert self.process.wait(timeout=60) in {0, -signal.SIGTERM}
        self._reading.join(timeout=60)
        return [json.loads(line) for line in self.lines]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reading.join(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Load:
    """Clients that send number after number, each once, and keep what they were answered."""

    def __init__(self, address: str) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[httpx.Response] = []
        self.others: list[object] = []
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._address = address
        self._threads = ThreadPoolExecutor(CLIENTS)
        for _ in range(CLIENTS):
            self._threads.submit(self._send)

    def _send(self) -> None:
        with httpx.Client(base_url=self._address, timeout=60, trust_env=False) as client:
            while not self._over.is_set():
                number = next(self._numbers)
                try:
                    response = client.post(f"/numbers/{number}")
                except httpx.HTTPError as error:
                    self.others.append(error)
                    continue
                if response.status_code == 201:
                    self.acknowledged.append(number)
                elif response.status_code == 503:
                    self.refused.append(response)
                else:
                    self.others.append((response.status_code, response.text))

    def end(self) -> None:
        self._over.set()
        self._threads.shutdown()


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def server(missing_cluster: Cluster) -> Iterator[EmbeddedPostgres]:
    """A server that writes its log to the disk before it acknowledges a commit."""
    name, state_dir = missing_cluster.name, missing_cluster.state_dir
    with EmbeddedPostgres(name, state_dir=state_dir, durable=True) as server:
        server.create_database("outage")
        yield server


@pytest.mark.unhappy
@pytest.mark.parametrize("how", ["SIGKILL", "SIGQUIT"])
def test_a_database_that_dies_under_load_costs_503s_and_no_acknowledged_write(
    server: EmbeddedPostgres,
    missing_cluster: Cluster,
    pytestconfig: pytest.Config,
    request: pytest.FixtureRequest,
    how: str,
) -> None:
    driver = pytestconfig.getoption("postgres_driver") or "asyncpg"
    service = Service(server.url("outage", driver))
    load = Load(service.address)
    request.addfinalizer(service.close)
    request.addfinalizer(load.end)  # first
    eventually(lambda: len(load.acknowledged) >= 100)
    assert service.get("/health/ready").status_code == 200

    postmaster = server.pid
    os.kill(postmaster, getattr(signal, how))  # SIGQUIT is its immediate shutdown: also a crash
    eventually(lambda: not missing_cluster.runs())
    before = len(load.refused)
    eventually(lambda: len(load.refused) >= before + CLIENTS)
    eventually(lambda: service.get("/health/ready").status_code == 503)
    assert service.get("/health/live").status_code == 200

    with EmbeddedPostgres(server.name, state_dir=missing_cluster.state_dir, durable=True):
        sofar = len(load.acknowledged)
        eventually(lambda: len(load.acknowledged) >= sofar + 100)
        eventually(lambda: service.get("/health/ready").status_code == 200)
        load.end()
        kept = set(service.get("/numbers").json())
        records = service.end()

    assert load.others == []
    assert set(load.acknowledged) <= kept
    for response in load.refused:
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["request_id"] == response.headers["x-request-id"]
    assert not [record for record in records if record["level"] in {"error", "critical"}]
    assert "Traceback" not in "".join(service.lines)
