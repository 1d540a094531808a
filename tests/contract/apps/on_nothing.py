"""The application, written for no framework."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.contract.apps.common import (
    BACKGROUND,
    MEDIA,
    STREAMS,
    Talk,
    cancel_itself,
    gate,
    in_a_thread,
    say_hello,
    settings,
    talk,
)

from bedplate.context import bind
from bedplate.integrations.asgi import Operations


def make() -> Any:
    return Operations(bare, settings(), resolve_route=bare_route)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Do the same without a framework."""
    if scope["type"] == "lifespan":
        await bare_lifespan(receive, send)
        return
    _, head, *rest = scope["path"].split("/")
    scope["bare.route"] = f"/{head}" + "/{x}" * len(rest)
    if scope["type"] == "websocket":
        await bare_websocket(receive, send, rest[0])
    elif head == "stream":
        await bare_stream(receive, send, rest[0])
    elif head == "echo":
        await bare_answer(send, 200, str(await bare_length(receive)))
    elif head in PLACES:
        await bare_answer(send, 200, await PLACES[head](*rest))
    elif head == "background":
        await bare_answer(send, 200, "soon")
        await BACKGROUND[rest[0]]()
    else:
        await bare_answer(send, 404, "nothing")


async def hello() -> str:
    bind(place="endpoint")
    say_hello()
    return "hello"


async def thread() -> str:
    return await asyncio.to_thread(in_a_thread)


async def bug(word: str) -> str:
    raise ValueError(f"canary password={word}")


async def cancelled() -> str:
    await cancel_itself()
    return "not reached"


async def waiting(name: str) -> str:
    await gate(name).pass_through()
    return "done"


async def entered(name: str) -> str:
    await gate(name).entered.wait()
    return "yes"


async def open_gate(name: str) -> str:
    gate(name).open.set()
    return "open"


PLACES: dict[str, Callable[..., Awaitable[str]]] = {
    "hello": hello,
    "thread": thread,
    "bug": bug,
    "cancelled": cancelled,
    "waiting": waiting,
    "entered": entered,
    "open": open_gate,
}


async def bare_lifespan(receive: Any, send: Any) -> None:
    for what in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{what}"
        await send({"type": f"lifespan.{what}.complete"})


async def bare_answer(send: Any, status: int, text: str) -> None:
    body = f'"{text}"'.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def bare_length(receive: Any) -> int:
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    return length


async def bare_stream(receive: Any, send: Any, what: str) -> None:
    headers = [(b"content-type", MEDIA.get(what, "text/plain").encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.ensure_future(bare_gone(receive))
    async for chunk in STREAMS[what]():
        if gone.done():
            return
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    gone.cancel()
    await send({"type": "http.response.body", "body": b""})


async def bare_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def bare_websocket(receive: Any, send: Any, how: str) -> None:
    async def accept() -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})

    async def receive_text() -> str:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            raise ConnectionError
        return str(message["text"])

    async def send_text(text: str) -> None:
        await send({"type": "websocket.send", "text": text})

    async def close() -> None:
        await send({"type": "websocket.close", "code": 1000})

    await talk(Talk(accept, receive_text, send_text, close), how)


def bare_route(scope: Any) -> str | None:
    route: str | None = scope.get("bare.route")
    return route
