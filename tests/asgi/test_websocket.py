"""Websockets through the layer."""

import pytest

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send

from .conftest import Records


async def talk(app: ASGIApp, incoming: list[Message]) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "websocket", "path": "/ws", "headers": [], "client": None}
    await OperationsMiddleware(app)(scope, receive, send)
    return sent


async def test_messages_pass_untouched_and_leave_one_record(records: Records) -> None:
    async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    sent = await talk(
        echo,
        [
            {"type": "websocket.receive", "text": "a"},
            {"type": "websocket.disconnect", "code": 1001},
        ],
    )
    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.send", "text": "a"}]
    (record,) = records.all("websocket")
    assert (record["http.response.status_code"], record["websocket.close_code"]) == (101, 1001)


@pytest.mark.unhappy
async def test_an_exception_leaves_one_error_record_and_is_raised(records: Records) -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await talk(broken, [])
    levels = [(record["event"], record["level"]) for record in records.all()]
    assert levels == [("unhandled exception", "error"), ("websocket", "info")]


@pytest.mark.unhappy
async def test_a_refused_websocket_is_403_or_what_the_application_says(records: Records) -> None:
    async def close(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": 1008})

    async def deny(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 429, "headers": []})

    await talk(close, [])
    await talk(deny, [])
    assert [record["http.response.status_code"] for record in records.all()] == [403, 429]
