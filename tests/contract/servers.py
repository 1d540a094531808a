"""Servers as real processes, each started once and used by all the tests that need it."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds until a process that says nothing is given up; nothing is measured by it
APP = "tests.contract.apps:create_app"
LOG_CONFIG = Path(__file__).parent / "granian_logs.json"
_numbers = itertools.count()


def command(server: str, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    scripts = Path(sys.executable).parent
    return {
        "uvicorn": [sys.executable, "-m", "uvicorn", "--factory", APP, "--port", str(port)],
        "granian": [str(scripts / "granian"), "--interface=asgi", "--factory", f"--port={port}", "--workers-kill-timeout=30",
                    f"--log-config={LOG_CONFIG}", APP],
        "hypercorn": [str(scripts / "hypercorn"), "--bind", address, f"{APP}()"],
    }[server]  # fmt: skip


class Server:
    """A process that serves one application, and every line that it writes."""

    def __init__(self, server: str, app: str, *options: str) -> None:
        self.name = f"{server}-{app}"
        self.server, self.app = server, app
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        env = {"CONTRACT_APP": app, "SERVER": server, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}  # fmt: skip
        self.process = subprocess.Popen(
            [*command(server, self.port), *options], env=os.environ | env, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: list[str] = []
        self._records: list[dict[str, Any]] = []
        self._written = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._own = threading.local()
        self._clients: list[httpx.Client] = []
        try:
            self.wait(self._listens)
        except BaseException:
            self.kill()
            raise

    @property
    def client(self) -> httpx.Client:
        """A client of each thread: of one for all, threads close what others have just opened."""
        if not hasattr(self._own, "client"):
            # a connection for each request: servers close them after an error
            limits = httpx.Limits(max_keepalive_connections=0)
            self._own.client = httpx.Client(base_url=self.url, timeout=PATIENCE, limits=limits)
            self._clients.append(self._own.client)
        found: httpx.Client = self._own.client
        return found

    def _close_clients(self) -> None:
        for client in self._clients:
            client.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._written:
                self.lines.append(line.rstrip("\n"))
                with contextlib.suppress(ValueError):
                    self._records.append(json.loads(line))
                self._written.notify_all()

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.lines
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until something is so; it is looked at again with each line, and now and then."""
        deadline = time.monotonic() + PATIENCE
        with self._written:
            while not condition():
                assert time.monotonic() < deadline, "\n".join(self.lines[-50:])
                self._written.wait(0.05)

    def connect(self) -> socket.socket:
        """Open a connection, to speak HTTP by hand."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.settimeout(PATIENCE)
        return connection

    def records(self, request_id: str | None = None) -> list[dict[str, Any]]:
        """Give the records of a request, or all; a line that is none fails."""
        assert len(self._records) == len(self.lines), self.lines
        found = self._records[:]
        return [
            each for each in found if request_id is None or each.get("request_id") == request_id
        ]

    def settled(self, request_id: str) -> list[dict[str, Any]]:
        """Give the records of a request, once it has left its access record and all that follows."""

        def has_ended() -> bool:
            loggers = [record["logger"] for record in self.records(request_id)]
            return "bedplate.access" in loggers

        self.wait(has_ended)
        for _ in range(2):  # what a server still has to say, it says before the second of these
            marker = fresh_id()
            self.client.get("/open/marker", headers={"x-request-id": marker})
            self.wait(partial(self.records, marker))
        return self.records(request_id)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end, and wait until it has."""
        self._close_clients()
        if self.process.poll() is None:
            self.process.send_signal(number)
        exit_code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return exit_code

    def kill(self) -> None:
        """End it and whatever it has started."""
        self._close_clients()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: its workers too
            self.process.wait()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


def fresh_id() -> str:
    """Give a request id that no other request has."""
    return f"contract-{os.getpid()}-{next(_numbers):06}"
