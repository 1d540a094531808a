"""`bedplate worker` and `bedplate jobs`, with workers that are killed"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, text
from tests.ports import free_port

from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.jobs import JobQueue
from bedplate.jobs.schema import create_jobs

JOBS = """
import asyncio
import os
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import text

from bedplate.database import Database, open_database
from bedplate.jobs import GiveUpError, Jobs, Worker
from bedplate.metrics import Metrics
from bedplate.settings import ServiceSettings, load_settings

jobs: Jobs[Database] = Jobs()


@jobs.job("keep")
async def keep(number: int, database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("INSERT INTO kept VALUES (:number)"), {"number": number})
        await session.commit()


@jobs.job("hopeless")
async def hopeless(number: int, database: Database) -> None:
    raise GiveUpError


def create_worker(metrics: Metrics) -> Worker[Database]:
    settings = load_settings(ServiceSettings)
    assert settings.database_url is not None
    return Worker(
        jobs,
        settings.database_url,
        lambda: open_database(settings),
        heartbeat=timedelta(seconds=1),
        listener=metrics.jobs,
    )
"""
COMMAND = [sys.executable, "-c", "from bedplate.cli import main; main()", "worker"]


@pytest.fixture
def project(
    service: Path,
    committed_database: Database,
    write: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The service with jobs, on a database that is not the embedded one."""
    (service / "src" / "notes" / "jobs.py").write_text(JOBS, encoding="utf-8")
    table = service / "pyproject.toml"
    named = '[tool.bedplate]\nworker = "notes.jobs:create_worker"'
    text_of = table.read_text(encoding="utf-8").partition("[tool.alembic]")[0]
    table.write_text(text_of.replace("[tool.bedplate]", named), encoding="utf-8")
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return MetaData()


@pytest.fixture
async def tables(committed_database: Database) -> None:
    async with committed_database.engine.begin() as connection:
        await connection.run_sync(create_jobs)
        await connection.execute(text("CREATE TABLE kept (number int)"))


@pytest.fixture
def start(project: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                COMMAND,
                cwd=project,
                env=os.environ | {"LOG_FORMAT": "json"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        stdout = started[-1].stdout
        assert stdout is not None
        assert '"event":"working"' in stdout.readline()
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def enqueue(database: Database, numbers: range) -> None:
    keep = import_module("notes.jobs").keep

    async with database.session() as session:
        await JobQueue(session).enqueue_many(keep, list(numbers))
        await session.commit()


async def kept(database: Database) -> list[int]:
    async with database.session() as session:
        return list((await session.scalars(text("SELECT number FROM kept"))).all())


async def test_a_worker_ends_in_good_order_when_it_is_told_to(
    tables: None, start: Callable[[], Any], committed_database: Database
) -> None:
    sys.path.insert(0, str(Path.cwd() / "src"))
    worker = start()
    await enqueue(committed_database, range(3))
    while len(await kept(committed_database)) < 3:
        assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    out, _ = worker.communicate()
    assert worker.returncode == ExitCode.DONE
    assert out.count('"event":"job_done"') == 3
    assert '"event":"stopping"' in out


async def test_a_worker_answers_probes_and_shows_its_metrics(
    tables: None,
    start: Callable[[], Any],
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sys.path.insert(0, str(Path.cwd() / "src"))
    port = free_port()
    monkeypatch.setenv("WORKER_PORT", str(port))
    worker = start()
    await enqueue(committed_database, range(3))
    while len(await kept(committed_database)) < 3:
        assert worker.poll() is None
    while ask(port, "/health/ready")[0] != 200:
        assert worker.poll() is None
    assert ask(port, "/health/live")[0] == 200
    text_of = ask(port, "/metrics")[1]
    while 'bedplate_jobs_duration_seconds_count{job="keep",outcome="done"} 3.0' not in text_of:
        text_of = ask(port, "/metrics")[1]
    assert 'bedplate_jobs_waiting{job="keep"}' in text_of
    assert ask(port, "/other")[0] == 404
    worker.send_signal(signal.SIGTERM)
    worker.communicate()
    assert worker.returncode == ExitCode.DONE


def ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.unhappy
async def test_a_worker_without_its_database_is_alive_and_not_ready(
    project: Path, start: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("WORKER_PORT", str(port))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    worker = start()
    assert ask(port, "/health/live")[0] == 200
    assert ask(port, "/health/ready") == (
        503,
        '{"status": "failed", "checks": {"queue": "failed"}}',
    )
    assert ask(port, "/health/startup")[0] == 503
    worker.send_signal(signal.SIGTERM)
    worker.communicate()
    assert worker.returncode == ExitCode.DONE


@pytest.mark.unhappy
def test_a_port_that_is_taken_is_told_in_a_sentence(
    project: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("WORKER_PORT", str(taken.getsockname()[1]))
        outcome = bedplate("worker")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "is in use" in outcome.sentence


@pytest.mark.unhappy
async def test_jobs_of_killed_workers_run_and_those_rolled_back_do_not(
    tables: None, start: Callable[[], Any], committed_database: Database
) -> None:
    sys.path.insert(0, str(Path.cwd() / "src"))
    keep = import_module("notes.jobs").keep

    workers = [start(), start()]
    committed = set()
    for begin in range(0, 300, 20):
        async with committed_database.session() as session:
            await JobQueue(session).enqueue_many(keep, list(range(begin, begin + 20)))
            if begin % 60:
                await session.commit()
                committed |= set(range(begin, begin + 20))
        if begin % 100 == 0:
            workers[0].kill()
            workers = [*workers[1:], start()]
    while committed - set(await kept(committed_database)):
        assert any(worker.poll() is None for worker in workers)
    assert set(await kept(committed_database)) == committed


@pytest.mark.unhappy
async def test_dead_jobs_are_shown_and_tried_again(
    tables: None,
    project: Path,
    committed_database: Database,
    bedplate: Callable[..., Any],
) -> None:
    sys.path.insert(0, str(project / "src"))
    hopeless = import_module("notes.jobs").hopeless

    async with committed_database.session() as session:
        number = await JobQueue(session).enqueue(hopeless, 1)
        await session.commit()

    def command(*words: str) -> str:
        done = subprocess.run(
            [*COMMAND[:3], *words], cwd=project, capture_output=True, text=True, check=False
        )
        return done.stdout

    assert "hopeless: 1 waiting or running" in command("jobs", "status")
    assert "1 waiting or running, none dead" in command("doctor")
    command("worker", "--once")
    assert "1 dead; look at them with: bedplate jobs status" in command("doctor")
    assert f"dead: {number} hopeless, tried 1 times" in command("jobs", "status")
    assert str(number) in command("jobs", "retry", str(number))
    assert "hopeless: 1 waiting or running" in command("jobs", "status")


@pytest.mark.unhappy
def test_without_tables_or_without_a_worker_one_sentence_says_so(
    project: Path, bedplate: Callable[..., Any]
) -> None:
    outcome = bedplate("worker")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "create_jobs" in outcome.sentence
    table = project / "pyproject.toml"
    table.write_text(table.read_text().replace("worker =", "#"), encoding="utf-8")
    outcome = bedplate("worker")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert 'worker = "module:attribute"' in outcome.sentence


@pytest.mark.unhappy
def test_doctor_misses_the_tables_of_jobs(project: Path, bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("doctor")
    assert outcome.exit_code == ExitCode.FAILURE
    (line,) = [line for line in outcome.out.splitlines() if " jobs " in line[:19]]
    assert line.startswith("fail")
    assert "no tables for them; run: bedplate jobs migration, bedplate db upgrade" in line
