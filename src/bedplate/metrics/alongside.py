"""What is opened and closed with an application, whatever framework it is made of."""

from asyncio import to_thread
from collections.abc import Sequence
from typing import Protocol

from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.errors import BedplateError

__all__ = ["Companion", "alongside"]


class Companion(Protocol):
    """A port, or an exporter."""

    def open(self) -> None:
        """Begin; raises a domain error where that is not possible."""
        ...

    def close(self) -> None:
        """End, which may take a moment; what is not open is closed already."""
        ...


def alongside(app: ASGIApp, companions: Sequence[Companion]) -> ASGIApp:
    """Open companions before an application starts, and close them after it has ended.

    Args:
        app: the application, which a server starts by ASGI's lifespan messages.
        companions: in the order in which they are opened.
    """

    async def accompanied(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def receive_and_open() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    for companion in companions:
                        companion.open()
                except BedplateError as error:  # unsaid, a server would go on without
                    await send({"type": "lifespan.startup.failed", "message": error.message})
                    raise
            return message

        async def close_and_send(message: Message) -> None:
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await close_all(companions)  # before the server ends the process
            await send(message)

        try:
            await app(scope, receive_and_open, close_and_send)
        finally:
            await close_all(companions)

    return accompanied


async def close_all(companions: Sequence[Companion]) -> None:
    """Close them, the last one first."""
    for companion in reversed(companions):
        await to_thread(companion.close)
