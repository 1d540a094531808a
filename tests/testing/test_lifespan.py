"""bedplate.testing.lifespan"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bedplate.testing.lifespan import ASGIApp, Message, Receive, Send, running


@pytest.fixture
def heard() -> list[Any]:
    return []


@pytest.fixture
def app(heard: list[Any]) -> ASGIApp:
    """An application that tells what it hears and does as `behaviour` says."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            heard.append(dict(scope["state"]))
            scope["state"]["mine"] = True
            return
        scope["state"]["pool"] = 1
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            heard.append(phase)
            await send({"type": f"lifespan.{phase}.complete"})

    return application


async def unused(*_: object) -> Any:
    raise AssertionError("this application neither receives nor sends")


async def test_it_starts_and_shuts_down(app: ASGIApp, heard: list[Any]) -> None:
    async with running(app):
        assert heard == ["startup"]
    assert heard == ["startup", "shutdown"]


async def test_requests_see_a_copy_of_the_state(app: ASGIApp, heard: list[Any]) -> None:
    async with running(app) as started:
        for _ in range(2):
            await started({"type": "http"}, unused, unused)
    assert heard[1:3] == [{"pool": 1}, {"pool": 1}]


@pytest.mark.unhappy
async def test_an_error_in_the_test_shuts_down_all_the_same(app: ASGIApp, heard: list[Any]) -> None:
    with pytest.raises(LookupError):
        async with running(app):
            raise LookupError
    assert heard == ["startup", "shutdown"]


@pytest.mark.unhappy
async def test_an_error_while_starting_reaches_the_test() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        async with running(application):
            pass


@pytest.mark.unhappy
async def test_a_failure_that_a_framework_reports_is_raised_as_its_cause() -> None:
    from starlette.applications import Starlette

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        await open_pool()
        yield

    async def open_pool() -> None:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        async with running(Starlette(lifespan=lifespan)):
            pass


@pytest.mark.unhappy
async def test_an_error_while_shutting_down_reaches_the_test() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise LookupError("still busy")

    with pytest.raises(LookupError, match="still busy"):
        async with running(application):
            pass


@pytest.mark.unhappy
async def test_a_failure_that_is_only_reported_is_raised_with_its_message() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no table"})

    with pytest.raises(RuntimeError, match="no table"):
        async with running(application):
            pass


@pytest.mark.unhappy
async def test_an_application_that_ends_before_it_started_is_refused() -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        pass

    with pytest.raises(RuntimeError, match="ended before its startup"):
        async with running(application):
            pass
