import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.database.embedded import EmbeddedPostgres, cluster_name


def keep(address: str, number: int) -> int:
    return httpx.post(f"{address}/notes/{number}").status_code


def ready(address: str) -> int:
    return httpx.get(f"{address}/health/ready").status_code


def test_a_fresh_service_is_served_and_a_second_start_keeps_its_data(
    service: Path, serve: Callable[..., Any]
) -> None:
    first = serve(service)
    assert ready(first.address) == 200
    assert keep(first.address, 7) == 201
    assert first.end(signal.SIGINT) == ExitCode.DONE
    assert first.err == [
        "ENVIRONMENT is not set: this is development.",
        "Starting the embedded PostgreSQL.",
        "Migrating the database: 1 migration.",
        "Stopping: requests in flight finish first.",
        "Leaving the embedded PostgreSQL; its data stays.",
    ]
    assert f"API documentation on {first.address}/docs" in first.out
    assert first.out[-1].endswith("pool closed [notes]")

    second = serve(service, ENVIRONMENT="development")
    assert keep(second.address, 7) == 409
    assert keep(second.address, 8) == 201
    assert "Migrating" not in " ".join(second.err)


def test_services_run_side_by_side_and_two_of_one_share_their_database(
    service: Path, serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = serve(service), serve(service)
    assert keep(first.address, 1) == 201
    assert keep(second.address, 1) == 409
    assert first.end(signal.SIGTERM) == ExitCode.DONE
    assert ready(second.address) == 200
    assert keep(second.address, 2) == 201


@pytest.mark.unhappy
def test_in_production_every_line_is_a_record_and_readiness_turns_first(
    service: Path,
    serve: Callable[..., Any],
    bedplate: Callable[..., Any],
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    wait_for: Callable[[Callable[[], object]], None],
) -> None:
    url = committed_database.engine.url.render_as_string(hide_password=False)
    secret = bedplate("secret").out.strip()
    production = {"ENVIRONMENT": "production", "DATABASE_URL": url, "SECRET_KEY": secret}
    for name, value in production.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(service)
    assert bedplate("db", "upgrade").exit_code == 0
    serving = serve(service)
    [address] = [json.loads(line)["address"] for line in serving.out if '"serving"' in line]
    assert keep(address, 1) == 201
    serving.process.send_signal(signal.SIGTERM)
    wait_for(lambda: ready(address) == 503)  # and it still answers: see DRAIN
    assert keep(address, 2) == 201
    assert serving.end() == ExitCode.DONE
    events = [json.loads(line)["event"] for line in serving.out]
    assert events == ["serving", "stopping", "pool closed"]
    assert serving.err == []
    assert secret not in str(serving)


@pytest.mark.unhappy
def test_sigterm_turns_readiness_off_and_lets_requests_in_flight_finish(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    serving = serve(service, "--drain=2", SLOW="1")
    with httpx.Client() as kept_alive, ThreadPoolExecutor() as threads:
        assert kept_alive.get(f"{serving.address}/health/ready").status_code == 200
        slow = threads.submit(httpx.get, f"{serving.address}/slow", timeout=30)
        wait_for(lambda: "slow" in serving.out[-1])  # it is in flight
        serving.process.send_signal(signal.SIGTERM)
        wait_for(lambda: ready(serving.address) == 503)
        leaving = httpx.get(f"{serving.address}/health/ready")
        assert leaving.json()["status"] == "shutting_down"
        assert leaving.headers["connection"] == "close"
        assert slow.result().status_code == 200
    assert serving.end() == ExitCode.DONE
    assert serving.out[-1].endswith("pool closed [notes]")


@pytest.mark.unhappy
def test_a_second_ctrl_c_cuts_requests_in_flight_off(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    serving = serve(service, SLOW="100")
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(httpx.get, f"{serving.address}/slow", timeout=200)
        wait_for(lambda: "slow" in serving.out[-1])
        serving.process.send_signal(signal.SIGINT)
        wait_for(lambda: serving.err[-1].startswith("Stopping"))
        assert serving.end(signal.SIGINT) == ExitCode.DONE
        assert slow.result().status_code == 500
    assert not [line for line in serving.out if "graceful shutdown exceeded" in line]
    assert serving.out[-1].endswith("pool closed [notes]")


@pytest.mark.unhappy
def test_no_acknowledged_write_is_lost_when_the_server_is_killed_under_load(
    service: Path, serve: Callable[..., Any]
) -> None:
    serving = serve(service)
    acknowledged: list[int] = []

    def load(first: int) -> None:
        with httpx.Client(base_url=serving.address) as client:
            for number in range(first, 10**6, 8):
                try:
                    status = client.post(f"/notes/{number}").status_code
                except httpx.HTTPError:
                    return
                assert status == 201
                acknowledged.append(number)
                if len(acknowledged) == 300:
                    serving.process.kill()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(load, range(8)))
    assert serving.end() == -signal.SIGKILL
    assert len(acknowledged) >= 300

    again = serve(service)
    with httpx.Client(base_url=again.address) as client:
        lost = [n for n in acknowledged if client.post(f"/notes/{n}").status_code != 409]
        assert lost == []
        assert client.post("/notes/999999").status_code == 201


@pytest.mark.unhappy
def test_sigterm_while_it_starts_leaves_no_server_behind(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    sleeper = service / "alembic" / "versions" / "2026_01_02_0000_sleep.py"
    started = service / "started"
    sleeper.write_text(
        "from pathlib import Path\nimport time\nrevision = 'bbb222'\ndown_revision = 'aaa111'\n"
        f"def upgrade() -> None:\n    Path({str(started)!r}).touch()\n    time.sleep(600)\n"
    )
    serving = serve(service, wait=False)
    wait_for(started.exists)
    assert serving.end(signal.SIGTERM) == ExitCode.TERMINATED
    assert serving.out == []
    with EmbeddedPostgres(cluster_name(service)) as server:
        assert server.log_file.with_name("server.log.old").exists()  # it was started anew
