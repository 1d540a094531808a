"""Several workers of a real server show their numbers together, and nobody configures it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.metrics.conftest import IN_FLIGHT, Scrape
from tests.ports import free_port

from bedplate.metrics import workers
from bedplate.metrics.instruments import Description
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.metrics.shared_files import SharedFiles, is_alive

HERE = Path(__file__).parent
PROCESSES = ("GET", "/process", "200", "")
WORKERS = 2
MOST_SCRAPES = 1_000


class Server:
    """uvicorn with two workers; their log is read by nobody until it ends."""

    def __init__(
        self, temporary: Path, *, port: int | None = None, folder: Path | None = None
    ) -> None:
        number = free_port()
        self.url = f"http://127.0.0.1:{number}"
        self.client = httpx.Client(timeout=60, headers={"connection": "close"})
        own = {"TMPDIR": str(temporary)}
        if port is not None:
            own["METRICS_PORT"] = str(port)
        if folder is not None:
            folder.mkdir()
            own[workers.VARIABLE] = str(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", "served:create_app", "--workers", str(WORKERS),
             "--port", str(number), "--app-dir", str(HERE)],
            env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.metrics = self.url if port is None else f"http://127.0.0.1:{port}"

    def get(self, path: str) -> str:
        """Ask until somebody answers: workers start one after the other, and may be killed."""
        while True:
            try:
                return self.client.get(self.url + path).text
            except httpx.TransportError:
                assert self.process.poll() is None

    def scrape(self) -> Scrape:
        answer = self.client.get(f"{self.metrics}/metrics")
        assert answer.status_code == 200
        return Scrape.of(answer.text)

    def scrape_at_rest(self, *, in_flight: int) -> Scrape:
        """Scrape when every answer is counted: a client may have it before its worker counts it.

        Who still counts is in flight, and the numbers of a scrape are not read at one moment: so
        the scrape that shows rest is followed by one more, which has all that came before it.
        """
        for _ in range(MOST_SCRAPES):
            if self.scrape().value(IN_FLIGHT, http_request_method="GET") == in_flight:
                return self.scrape()
        raise AssertionError(f"never were {in_flight} requests in flight")

    def ask_both(self) -> dict[str, int]:
        """Ask until each worker has answered, and tell how often each did."""
        answered: dict[str, int] = {}
        while len(answered) < WORKERS:
            with ThreadPoolExecutor(8) as threads:
                for process in threads.map(lambda _: self.get("/process"), range(16)):
                    answered[process] = answered.get(process, 0) + 1
        return answered

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)
        self.client.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.mark.unhappy
def test_whichever_worker_is_asked_shows_the_requests_of_all_and_of_who_was_killed(
    server: Server,
) -> None:
    answered = server.ask_both()
    before = sum(answered.values())
    found = [server.scrape_at_rest(in_flight=1) for _ in range(8)]
    assert {scrape.requests()[PROCESSES] for scrape in found} == {before}
    assert found[0].values("own_things_total") == {}  # of one worker only: it would jump about
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(lambda: httpx.get(f"{server.url}/wait", timeout=None))
        server.scrape_at_rest(in_flight=5)
        for process in answered:
            os.kill(int(process), signal.SIGKILL)
    more = server.ask_both()
    assert not answered.keys() & more.keys()
    last = server.scrape_at_rest(in_flight=1)
    assert last.requests()[PROCESSES] == before + sum(more.values())


@pytest.mark.unhappy
def test_a_folder_that_is_named_also_adds_up_what_the_service_counts_itself(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    server = Server(tmp_path, port=free_port(), folder=shared)
    try:
        total = sum(server.ask_both().values())
        found = [server.scrape_at_rest(in_flight=0) for _ in range(8)]
        assert {scrape.requests()[PROCESSES] for scrape in found} == {total}
        assert {scrape.value("own_things_total") for scrape in found} == {total}
        assert json.loads(server.get("/metrics"))["code"] == "not_found"  # there is the port
    finally:
        server.stop()


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: Any) -> Path:
    """Let this process be a worker, and give where its folder is to be."""
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mocker.patch("multiprocessing.parent_process").return_value.pid = os.getppid()
    return tmp_path / f"bedplate-metrics-{os.getuid()}"


def test_workers_share_a_folder_that_only_their_owner_may_see(worker: Path) -> None:
    folder = workers.shared_folder()
    assert folder is not None
    assert folder == workers.shared_folder()
    assert folder.parent == worker
    assert re.fullmatch(rf"{os.getppid()}-\d+", folder.name)
    assert folder.stat().st_mode & 0o777 == worker.stat().st_mode & 0o777 == 0o700


@pytest.mark.unhappy
def test_folders_of_servers_that_ended_are_removed_and_no_others(worker: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = workers.shared_folder()
    assert mine is not None
    stale = [worker / f"{ended.pid}-5", worker / f"{os.getpid()}-5"]  # the second began later
    for folder in (*stale, worker / "something else"):
        folder.mkdir()
        (folder / "histogram_bedplate-1-00.db").touch()
    assert workers.shared_folder() == mine
    assert {path.name for path in worker.iterdir()} == {mine.name, "something else"}


@pytest.mark.unhappy
def test_a_folder_of_somebody_else_is_not_used(worker: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    worker.symlink_to(elsewhere)
    assert workers.shared_folder() is None
    assert list(elsewhere.iterdir()) == []


@pytest.mark.unhappy
def test_a_folder_that_others_could_write_to_is_closed_to_them(worker: Path) -> None:
    worker.mkdir()
    worker.chmod(0o777)
    assert workers.shared_folder() is not None
    assert worker.stat().st_mode & 0o777 == 0o700


@pytest.mark.unhappy
def test_a_folder_that_cannot_be_made_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(workers.VARIABLE, str(tmp_path / "file" / "below"))
    assert workers.shared_folder() is None


def test_one_process_alone_needs_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    assert workers.shared_folder() is None


@pytest.mark.unhappy
def test_two_applications_of_one_process_do_not_overwrite_each_other(tmp_path: Path) -> None:
    level = Description(name="a.level", text="How many.", labels=("kind",))
    backends = [PrometheusBackend(files=SharedFiles(tmp_path)) for _ in range(2)]
    for backend in backends:
        backend.gauge(level).set(3, ("x",))
        backend.counter(Description(name="a.count", text="How often.")).count(())
    found = Scrape(SharedFiles(tmp_path).collect())
    assert found.value("a_level", kind="x") == 6
    assert found.value("a_count_total") == 2
    for backend in backends:
        backend.start_anew()
    assert Scrape(SharedFiles(tmp_path).collect()).value("a_count_total") == 2


@pytest.mark.unhappy
def test_a_process_is_alive_whoever_owns_it() -> None:
    assert is_alive(1)
    assert is_alive(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(ended.pid)
