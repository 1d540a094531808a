"""bedplate.health"""

import asyncio
import json

import pytest
import structlog

from bedplate.asgi.types import Message
from bedplate.health import Health, HealthReport, Probe, ProbeApp


class FakeClock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("canary: password=hunter2")


async def hangs() -> None:
    await asyncio.Event().wait()


async def answer(probe: Probe, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await ProbeApp(probe)({"type": "http", "method": method}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_ready_when_every_check_returns() -> None:
    status, headers, body = await answer(Health({"database": fine, "cache": fine}).ready)
    assert status == 200
    assert headers[b"cache-control"] == b"no-store"
    assert json.loads(body) == {"status": "ok", "checks": {"database": "ok", "cache": "ok"}}


async def test_started_once_means_started() -> None:
    checks = {"database": fine}
    health = Health(checks, remember=0)
    assert (await health.startup()).status == "ok"
    health.checks["database"] = broken
    assert (await health.startup()).status == "ok"
    assert (await health.ready()).status == "failed"


async def test_checks_run_together_and_their_outcome_is_remembered() -> None:
    met = asyncio.Barrier(2)
    runs: list[str] = []

    async def meet() -> None:
        runs.append("run")
        await met.wait()  # hangs unless both run at once

    clock = FakeClock()
    health = Health({"a": meet, "b": meet}, clock=clock)
    reports = await asyncio.gather(*(health.ready() for _ in range(10)))
    assert {report.status for report in reports} == {"ok"}
    assert len(runs) == 2
    clock.now += 0.9
    await health.ready()
    assert len(runs) == 2
    clock.now += 0.2
    await health.ready()
    assert len(runs) == 4


@pytest.mark.unhappy
async def test_a_failed_check_is_503_and_never_says_why() -> None:
    with structlog.testing.capture_logs() as records:
        status, headers, body = await answer(Health({"database": broken, "cache": fine}).ready)
    assert status == 503
    assert headers[b"cache-control"] == b"no-store"
    assert json.loads(body)["checks"] == {"database": "failed", "cache": "ok"}
    assert b"canary" not in body
    assert [record["event"] for record in records] == ["health check failed"]


@pytest.mark.unhappy
async def test_a_check_that_hangs_is_given_up() -> None:
    report = await Health({"database": hangs, "cache": fine}, time_limit=0.01).ready()
    assert report == HealthReport("failed", {"database": "timeout", "cache": "ok"})


@pytest.mark.unhappy
async def test_a_check_that_ignores_its_cancellation_cannot_hold_the_probe() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await release.wait()
            raise ValueError("late") from None

    report = await Health({"database": stubborn}, time_limit=0.01).ready()
    assert report.checks == {"database": "timeout"}
    release.set()


@pytest.mark.unhappy
async def test_a_check_that_cancels_itself_has_failed() -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    assert (await Health({"database": cancels}).ready()).checks == {"database": "failed"}


@pytest.mark.unhappy
async def test_a_prober_that_hangs_up_does_not_end_the_check_for_others() -> None:
    release = asyncio.Event()
    health = Health({"database": release.wait}, time_limit=30)
    impatient, patient = asyncio.create_task(health.ready()), asyncio.create_task(health.ready())
    await asyncio.sleep(0)
    impatient.cancel()
    release.set()
    assert (await patient).status == "ok"


@pytest.mark.unhappy
async def test_shutting_down_is_not_ready_but_alive() -> None:
    health = Health({"database": fine})
    await health.ready()
    health.begin_shutdown()
    assert (await answer(health.ready))[0] == 503
    assert (await answer(health.live))[0] == 200


@pytest.mark.unhappy
async def test_a_service_that_was_never_ready_has_not_started() -> None:
    health = Health({"database": broken}, remember=0)
    assert (await health.startup()).status == "starting"
    assert (await health.startup()).http_status == 503
    assert (await answer(health.live))[0] == 200


@pytest.mark.unhappy
async def test_head_has_no_body() -> None:
    status, headers, body = await answer(Health().ready, "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) > 0
