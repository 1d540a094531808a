"""Runs the command: in this process for one answer, as a process of its own to serve."""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from bedplate.cli.boundary import run
from bedplate.database.embedded import EmbeddedPostgres, cluster_name
from bedplate.logging.bridge import BridgeHandler

VARIABLES = ("ENVIRONMENT", "DATABASE_URL", "SECRET_KEY", "LOG_LEVEL", "LOG_FORMAT", "REDIS_URL")


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line that a failure prints."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture(autouse=True)
def clean_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what the command does to its process: folder, environment, imports."""
    environment, path, modules = dict(os.environ), sys.path[:], set(sys.modules)
    root, server = logging.getLogger(), logging.getLogger("uvicorn.error")
    handlers, levels = root.handlers[:], (root.level, server.level)
    # As in a new process, whatever the tests before this one have configured.
    root.handlers[:] = [handler for handler in handlers if not isinstance(handler, BridgeHandler)]
    root.setLevel(logging.WARNING)
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    server.setLevel(levels[1])
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in {"app", "notes"}:
            del sys.modules[name]


@pytest.fixture
def bedplate(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*arguments: str) -> Outcome:
        capfd.readouterr()
        exit_code = run(arguments)
        return Outcome(exit_code, *capfd.readouterr())

    return call


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """A small service in a folder with spaces and a long path; its cluster is removed."""
    folder = tmp_path / f"my service {'x' * 150}"
    shutil.copytree(SERVICE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    yield folder
    remove_cluster(folder)


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Wait until something is so; the pause is only for the processor's sake."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.02)

    return wait


@pytest.fixture
def cluster_of() -> Callable[[Path], Path]:
    return cluster_folder


SERVICE = Path(__file__).parent / "service"
PATIENCE = 120.0  # seconds until a process that says nothing is given up


def cluster_folder(project: Path) -> Path:
    from bedplate.database.embedded.account import server_account
    from bedplate.database.embedded.layout import default_state_dir

    return default_state_dir(server_account()) / "clusters" / cluster_name(project)


def remove_cluster(project: Path) -> None:
    if cluster_folder(project).exists():
        with EmbeddedPostgres(cluster_name(project)):
            pass  # the last one leaving stops what a killed process has left running
        shutil.rmtree(cluster_folder(project))


@dataclass
class Serving:
    """A `bedplate serve` in a process of its own, its output kept."""

    process: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    address: str = ""
    readers: list[threading.Thread] = field(default_factory=list)
    announced: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Read the output, lest a full pipe stops the process."""

        def read(stream: IO[str] | None, lines: list[str]) -> None:
            assert stream is not None
            for line in stream:
                lines.append(line.rstrip())
                if line.startswith("Stop it") or '"event":"serving"' in line:
                    self.announced.set()
            self.announced.set()

        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            self.readers.append(threading.Thread(target=read, args=(stream, lines)))
            self.readers[-1].start()

    def wait_until_it_serves_or_ends(self) -> None:
        assert self.announced.wait(PATIENCE), "it neither served nor ended"
        for line in self.out:
            if line.startswith("Serving on "):
                self.address = line.removeprefix("Serving on ")

    def end(self, number: int | None = None) -> int:
        """Wait for the end, after a signal if one is given, and give the exit code."""
        if number is not None:
            self.process.send_signal(number)
        exit_code = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return exit_code


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(project: Path, *arguments: str, wait: bool = True, **environment: str) -> Serving:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from bedplate.cli import main; main()",
                "serve",
                "--port=0",
                *arguments,
            ],
            cwd=project,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(Serving(process))
        started[-1].follow()
        if wait:
            started[-1].wait_until_it_serves_or_ends()
        return started[-1]

    yield start
    for serving in started:
        if serving.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(serving.process.pid, 9)  # its own session: also what --reload started
        serving.end()
