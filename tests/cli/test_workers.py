"""`bedplate serve --workers`: one socket, processes that replace each other, and an end for all."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.metrics.conftest import Scrape

from bedplate.asgi.access_log import UNMATCHED
from bedplate.cli.errors import ExitCode
from bedplate.database import Database

type Wait = Callable[[Callable[[], object]], None]
TWO = "--workers=2"
MEASURED = """
from bedplate.integrations.asgi import Operations


def create_app() -> Operations:
    settings = load_settings(ServiceSettings)
    return Operations(Notes(settings), settings)
"""


def workers_of(serving: Any) -> list[int]:
    """Give the processes that serve; multiprocessing has one besides that looks after resources."""
    pid = serving.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in command_of(int(child))]


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def served(serving: Any) -> Any:
    serving.address = serving.address.removesuffix(" with 2 workers")
    return serving


def until_each_serves(serving: Any, wait_for: Wait) -> list[int]:
    """Wait until each of two workers answers while the other does nothing."""
    wait_for(lambda: len(workers_of(serving)) == 2)
    workers = workers_of(serving)
    for paused in workers:
        os.kill(paused, signal.SIGSTOP)
        wait_for(lambda: is_up(serving.address))
        os.kill(paused, signal.SIGCONT)
    return workers


def test_two_workers_serve_one_socket_and_end_together(
    service: Path, serve: Callable[..., Any], wait_for: Wait
) -> None:
    serving = serve(service, TWO)
    assert serving.out[0].endswith(" with 2 workers")
    workers = until_each_serves(served(serving), wait_for)
    assert serving.end(signal.SIGTERM) == ExitCode.DONE
    assert len([line for line in serving.out if line.endswith("pool closed [notes]")]) == 2
    assert serving.err.count("Stopping: requests in flight finish first.") == 1
    assert not any(command_of(worker) for worker in workers)


def counted(serving: Any) -> float:
    """Give how many answers of no route are counted; a client has one a little before that."""
    found = Scrape.of(httpx.get(f"{serving.address}/metrics").text).requests()
    return sum(number for (_, route, *_), number in found.items() if route == UNMATCHED)


@pytest.mark.unhappy
def test_a_worker_that_is_killed_is_replaced_and_its_numbers_stay(
    service: Path, serve: Callable[..., Any], wait_for: Wait
) -> None:
    with (service / "src" / "notes" / "main.py").open("a") as main:
        main.write(MEASURED)
    serving = served(serve(service, TWO, SLOW="0"))
    wait_for(lambda: len(workers_of(serving)) == 2)
    for _ in range(20):
        assert httpx.get(f"{serving.address}/slow").status_code == 200
    wait_for(lambda: counted(serving) >= 20)
    victim, _ = workers_of(serving)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: any(f"Worker {victim} has ended (-9)" in line for line in serving.err))
    wait_for(lambda: is_up(serving.address))
    for _ in range(20):
        assert httpx.get(f"{serving.address}/slow").status_code == 200
    assert victim not in workers_of(serving)
    wait_for(lambda: counted(serving) >= 40)
    assert serving.end(signal.SIGTERM) == ExitCode.DONE


@pytest.mark.unhappy
def test_requests_in_flight_finish_at_both(
    service: Path, serve: Callable[..., Any], wait_for: Wait
) -> None:
    serving = served(serve(service, TWO, "--drain=0", SLOW="1"))
    with ThreadPoolExecutor() as threads:
        slow = [threads.submit(httpx.get, f"{serving.address}/slow", timeout=60) for _ in range(4)]
        wait_for(lambda: len([line for line in serving.out if "slow" in line]) == 4)
        assert serving.end(signal.SIGINT) == ExitCode.DONE
        assert [each.result().status_code for each in slow] == [200] * 4


@pytest.mark.unhappy
def test_workers_whose_parent_is_killed_leave_by_themselves(
    service: Path, serve: Callable[..., Any], wait_for: Wait
) -> None:
    serving = served(serve(service, TWO))
    workers = workers_of(serving)
    serving.process.kill()
    wait_for(lambda: not any(command_of(worker) for worker in workers))
    assert not is_up(serving.address)


@pytest.mark.unhappy
def test_an_application_that_does_not_start_is_told_once(
    service: Path, serve: Callable[..., Any]
) -> None:
    serving = serve(service, TWO, FAIL_TO_START="1")
    assert serving.end() == ExitCode.FAILURE
    assert len([line for line in serving.err if line.startswith("Error: ")]) == 1
    assert "the lamp is out" in " ".join(serving.err)
    assert serving.out == []


@pytest.mark.unhappy
def test_a_worker_that_does_not_start_again_is_tried_until_it_does(
    service: Path, serve: Callable[..., Any], wait_for: Wait
) -> None:
    serving = served(serve(service, TWO))
    victim, other = until_each_serves(serving, wait_for)
    main = service / "src" / "notes" / "main.py"
    sound = main.read_text()
    main.write_text("import no_such_module\n")
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: any("no_such_module" in line for line in serving.err))
    assert is_up(serving.address)
    main.write_text(sound)
    wait_for(lambda: len(workers_of(serving)) == 2)
    assert other in workers_of(serving)
    assert serving.end(signal.SIGTERM) == ExitCode.DONE


@pytest.mark.unhappy
def test_one_process_watches_the_files(service: Path, bedplate: Callable[..., Any]) -> None:
    os.chdir(service)
    outcome = bedplate("serve", "--reload", TWO)
    assert outcome.exit_code == ExitCode.USAGE
    assert "--reload serves with one process" in outcome.sentence


@pytest.fixture
def elsewhere(service: Path, committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


@pytest.mark.unhappy
def test_more_connections_than_postgresql_has_are_refused_in_a_sentence(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bedplate("db", "upgrade")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "900")
    outcome = bedplate("serve", "--port=0", TWO)
    assert outcome.exit_code == ExitCode.FAILURE
    assert "2 processes with 900 connections and 2 for migrations may need 1802" in outcome.sentence
    assert "lower DATABASE_POOL_SIZE to " in outcome.sentence
    assert "PgBouncer" in outcome.sentence
    doctor = bedplate("doctor")
    assert doctor.exit_code == ExitCode.FAILURE
    assert "may need 902" in doctor.out
    monkeypatch.setenv("DATABASE_POOLER", "transaction")
    assert "shared out by a pooler" in bedplate("doctor").out


@pytest.mark.unhappy
def test_a_replica_that_is_none_is_a_warning(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bedplate("db", "upgrade")
    for url in (os.environ["DATABASE_URL"], "postgresql://app@127.0.0.1:1/app"):
        monkeypatch.setenv("DATABASE_READ_URL", url)
        doctor = bedplate("doctor")
        assert doctor.exit_code == ExitCode.DONE
        assert "warn  replica      DATABASE_READ_URL is not used" in doctor.out
