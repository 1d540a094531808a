"""The application, without a framework: POST /notes/7 keeps 7, GET /slow takes a while, GET /hang/task for ever."""

import asyncio
import os
import threading
from contextlib import nullcontext, suppress
from types import SimpleNamespace

import anyio.to_thread
from sqlalchemy import text

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.database import Database, open_database
from bedplate.errors import DuplicateError
from bedplate.health import Health, ProbeApp
from bedplate.logging import configure_logging, get_logger
from bedplate.settings import ServiceSettings, load_settings


class Notes:
    """An ASGI application with a lifespan, a probe and one table."""

    def __init__(self, settings: ServiceSettings) -> None:
        configure_logging(settings.log_level, json=settings.logs_as_json)
        self.settings = settings
        self.database: Database | None = None
        self.state = SimpleNamespace(health=Health({"database": self.check}))

    async def check(self) -> None:
        """Ask the database."""
        assert self.database is not None
        await self.database.ping()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["path"] == "/health/ready":
            await ProbeApp(self.state.health.ready)(scope, receive, send)
        elif scope["path"].startswith("/hang/"):
            await OperationsMiddleware(hang)(scope, receive, send)
        elif scope["path"] == "/slow":
            get_logger("notes").info("slow")
            await asyncio.sleep(float(os.environ.get("SLOW", "0.5")))
            await answer(send, 200)
        else:
            await answer(send, await self.keep(int(scope["path"].removeprefix("/notes/"))))

    async def live(self, receive: Receive, send: Send) -> None:
        """Hold the database open between start and end."""
        await receive()
        if os.environ.get("FAIL_TO_START"):
            await send({"type": "lifespan.startup.failed", "message": "Traceback: everything"})
            raise RuntimeError("the lamp is out")
        async with open_database(self.settings) as self.database:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        get_logger("notes").info("pool closed")
        await send({"type": "lifespan.shutdown.complete"})

    async def keep(self, number: int) -> int:
        """Store a number, and answer only when that is certain."""
        assert self.database is not None
        insert = text("INSERT INTO notes (number) VALUES (:number)")
        try:
            async with self.database.session() as session:
                await session.execute(insert, {"number": number})
                await session.commit()
        except DuplicateError:
            return 409
        return 201


async def hang(scope: Scope, _receive: Receive, _send: Send) -> None:
    """Wait for what does not happen: as a task, in a thread, or deaf to being cut off."""
    get_logger("notes").info("hanging")
    how = scope["path"].removeprefix("/hang/")
    if how == "executor":
        await asyncio.to_thread(threading.Event().wait)
    elif how == "thread":  # as frameworks call what is not async
        await anyio.to_thread.run_sync(threading.Event().wait)
    while True:
        with suppress(asyncio.CancelledError) if how == "deaf" else nullcontext():
            await asyncio.Event().wait()


async def answer(send: Send, status: int) -> None:
    """Send an answer without a body."""
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def create_app() -> Notes:
    """Build the application."""
    return Notes(load_settings(ServiceSettings))
