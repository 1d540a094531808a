"""Runs an ASGI application's lifespan, which httpx's transport leaves out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[ASGIApp]:
    """Start an application and shut it down at the end (ASGI specification, Lifespan 2.0).

    Args:
        app: the application.

    Yields:
        The application to send requests to: it sees the state that the start-up left.

    Raises:
        Exception: whatever the start-up or the shutdown raised.
        RuntimeError: it reported a failure without raising, or ended early.
    """
    state: dict[str, Any] = {}
    events: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope = {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": "2.0"},
        "state": state,
    }

    async def live() -> None:
        await app(scope, events.get, answers.put)

    async def app_with_state(scope: Message, receive: Receive, send: Send) -> None:
        await app({**scope, "state": state.copy()}, receive, send)

    # One task for both ends: a cancel scope must be left in the task that entered it.
    life = asyncio.create_task(live())
    try:
        await _pass(life, events, answers, "startup")
        try:
            yield app_with_state
        finally:
            await _pass(life, events, answers, "shutdown")
            await life
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def _pass(
    life: asyncio.Task[None],
    events: asyncio.Queue[Message],
    answers: asyncio.Queue[Message],
    phase: str,
) -> None:
    await events.put({"type": f"lifespan.{phase}"})
    answer = asyncio.create_task(answers.get())
    await asyncio.wait((answer, life), return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        await life  # raises what ended it
        raise RuntimeError(f"the application's lifespan ended before its {phase} was complete")
    message = answer.result()
    if message["type"] != f"lifespan.{phase}.complete":
        await life  # frameworks report the failure first and raise its cause then
        raise RuntimeError(message.get("message") or f"the application's {phase} failed")
