"""What the applications of these tests have in common, whatever they are written with."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from bedplate.context import bind
from bedplate.errors import NotFoundError
from bedplate.logging import get_logger
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

CANARY = "hunter2"
PASSWORD = f"canary password={CANARY}"
log = get_logger("service")
library = logging.getLogger("library")
server = logging.getLogger({"granian": "_granian.asgi", "hypercorn": "hypercorn.error"}.get(os.environ.get("SERVER", ""), "uvicorn.error"))  # fmt: skip


def settings() -> ServiceSettings:
    return load_settings(
        ServiceSettings,
        _env_file=None,
        environment="production",
        database_url=f"postgresql://app:{CANARY}@db.example/app",
        secret_key=generate_secret(),
        request_body_limit=2048,
    )


class Gate:
    """Holds a request until another one opens it."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.entered.set()
        await self.open.wait()


gates: dict[str, Gate] = {}


def gate(name: str) -> Gate:
    return gates.setdefault(name, Gate())


def say_hello() -> None:
    """Log by everything there is."""
    log.info("of structlog")
    library.warning("of standard logging")
    server.warning("of the server")


def in_a_thread() -> str:
    log.info("in a thread")
    bind(thread="yes")
    return "hello"


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * 10
        await asyncio.sleep(0)


async def events() -> AsyncIterator[bytes]:
    for number in range(3):
        yield b"data: %d\n\n" % number
        await asyncio.sleep(0)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1000
        await asyncio.sleep(0)


async def half() -> AsyncIterator[bytes]:
    yield b"half"
    await asyncio.sleep(0)
    raise ValueError(PASSWORD)


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def afterwards() -> None:
    await asyncio.sleep(0)
    log.info("in the background")


async def failing_afterwards() -> None:
    await asyncio.sleep(0)
    raise ValueError(PASSWORD)


class Talk:
    """What every framework's websocket can do."""

    def __init__(
        self,
        accept: Callable[..., Any],
        receive: Callable[..., Any],
        send: Callable[..., Any],
        close: Callable[..., Any],
    ) -> None:
        self.accept, self.receive, self.send, self.close = accept, receive, send, close


async def talk(socket: Talk, how: str) -> None:
    """Echo one message and close; or fail, or refuse."""
    if how == "refused":
        await socket.close()
        return
    await socket.accept()
    log.info("in a websocket")
    if how == "bug":
        raise ValueError(PASSWORD)
    if how == "missing":
        raise NotFoundError(PASSWORD)
    await socket.send(await socket.receive())
    await socket.close()


STREAMS: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    "chunks": chunks,
    "events": events,
    "endless": endless,
    "half": half,
}
MEDIA = {"events": "text/event-stream"}
BACKGROUND: dict[str, Callable[[], Any]] = {"fine": afterwards, "bug": failing_afterwards}
