"""Websockets through the layer."""

import pytest

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.errors import (
    BedplateError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ThrottledError,
    UnavailableError,
)

from .conftest import Records


async def talk(app: ASGIApp, incoming: list[Message], **more: object) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "websocket", "path": "/ws", "headers": [], "client": None, **more}
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


CONNECT = {"type": "websocket.connect"}


def raising(error: Exception, *before: Message) -> ASGIApp:
    """An application that asks, sends what is told, and fails."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in before:
            await send(message)
        raise error

    return app


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (NotFoundError(), 1008, "not_found"),
        (PermissionDeniedError(), 1008, "forbidden"),
        (ConflictError("canary"), 1008, "conflict"),
        (ThrottledError(retry_after=7), 1013, "too_many_requests"),
        (UnavailableError(), 1013, "unavailable"),
    ],
)
async def test_a_domain_error_after_accepting_closes_with_a_code_and_leaves_one_record(
    records: Records, error: BedplateError, code: int, reason: str
) -> None:
    sent = await talk(raising(error, {"type": "websocket.accept"}), [CONNECT])
    assert sent[1:] == [{"type": "websocket.close", "code": code, "reason": reason}]
    (record,) = records.all()
    assert (record["level"], record["websocket.close_code"]) == ("info", code)
    assert (record["http.response.status_code"], record["error.type"]) == (
        101,
        type(error).__name__,
    )


@pytest.mark.unhappy
async def test_a_domain_error_before_accepting_refuses_with_its_problem(records: Records) -> None:
    able: Scope = {"extensions": {"websocket.http.response": {}}}
    start, body = await talk(raising(NotFoundError()), [CONNECT], **able)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 404)
    assert b'"code":"not_found"' in body["body"].replace(b" ", b"")
    assert await talk(raising(NotFoundError()), [CONNECT]) == [
        {"type": "websocket.close", "code": 1008}
    ]
    statuses = [record["http.response.status_code"] for record in records.all()]
    assert statuses == [404, 403]


@pytest.mark.unhappy
async def test_an_error_of_our_own_is_a_bug_in_a_websocket_too(records: Records) -> None:
    with pytest.raises(BedplateError):
        await talk(raising(BedplateError("canary"), {"type": "websocket.accept"}), [CONNECT])
    assert [record["level"] for record in records.all()] == ["error", "info"]


@pytest.mark.unhappy
async def test_a_client_that_leaves_is_no_error_whatever_the_framework_raises(
    records: Records,
) -> None:
    class WebSocketDisconnect(Exception):  # noqa: N818 - a framework's
        pass

    async def listening(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        raise WebSocketDisconnect

    await talk(listening, [{"type": "websocket.disconnect", "code": 1001}])
    (record,) = records.all()
    assert (record["level"], record["websocket.close_code"]) == ("info", 1001)


@pytest.mark.unhappy
async def test_a_domain_error_after_the_end_sends_nothing_more(records: Records) -> None:
    async def late(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        raise NotFoundError

    sent = await talk(late, [{"type": "websocket.disconnect", "code": 1001}])
    assert sent == [{"type": "websocket.accept"}]
    (record,) = records.all()
    assert record["websocket.close_code"] == 1001
