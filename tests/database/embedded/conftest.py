"""Clusters made for one test each, and processes that use them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from bedplate.database.embedded import EmbeddedPostgres
from bedplate.database.embedded.layout import PORT, Layout
from bedplate.database.embedded.locks import open_lock, try_lock

USE = """
import sys
from pathlib import Path
from bedplate.database.embedded import EmbeddedPostgres

with EmbeddedPostgres(sys.argv[1], state_dir=Path(sys.argv[2]), durable=False) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


@dataclass
class Cluster:
    state_dir: Path
    name: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        return Layout(self.state_dir, self.name)

    def open(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.name, state_dir=self.state_dir, durable=False)

    def begin_use(self) -> subprocess.Popen[str]:
        """Start another process that uses the cluster until its standard input is closed."""
        process = subprocess.Popen(
            [sys.executable, "-c", USE, self.name, str(self.state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def runs(self) -> bool:
        lock = self.layout.lock("server")
        if not lock.exists():
            return False
        descriptor = open_lock(lock)
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def kill_server(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        address = str(self.layout.sockets / f".s.PGSQL.{PORT}")
        connected = 0
        while connected == 0:  # a killed process takes a moment to end
            with socket.socket(socket.AF_UNIX) as client:
                connected = client.connect_ex(address)

    def pid_of(self, process: subprocess.Popen[str]) -> int:
        assert process.stdout is not None
        return int(process.stdout.readline())

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
        if self.runs():
            with self.open():
                pass  # the last to leave stops it


@pytest.fixture(scope="session")
def state_dir() -> Iterator[Path]:
    """A short path that the account of root's server can pass through, which tmp_path is not."""
    folder = Path(tempfile.mkdtemp(prefix="bedplate-", dir="/tmp"))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cluster(state_dir: Path) -> Iterator[Cluster]:
    """A cluster that exists and does not run; making one for each test would take long."""
    made = Cluster(state_dir, "reused")
    if not made.layout.data.exists():
        with made.open():
            pass
    yield made
    made.end()


@pytest.fixture
def missing_cluster(state_dir: Path) -> Iterator[Cluster]:
    made = Cluster(state_dir, f"missing-{uuid4().hex[:8]}")
    yield made
    made.end()
