"""The limit of request bodies."""

from collections.abc import Awaitable, Callable

import pytest

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.exchange import BodyTooLargeError
from bedplate.asgi.types import Receive, Scope, Send

from .conftest import Client, Records

type App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def echo_size(_scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def answers_400(scope: Scope, receive: Receive, send: Send) -> None:
    """Do as frameworks do that take a failed read for a broken body."""
    try:
        await echo_size(scope, receive, send)
    except Exception:  # noqa: BLE001 - as frameworks do
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"broken"})


async def swallows(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await echo_size(scope, receive, send)
    except Exception:  # noqa: BLE001 - as frameworks do
        return


async def test_a_body_within_the_limit_passes(records: Records) -> None:
    app = OperationsMiddleware(echo_size, body_limit=10)
    client = await Client(app)(
        "POST", headers=[(b"content-length", b"10")], chunks=[b"12345", b"67890"]
    )
    assert client.body == b"10"
    assert records.access()["http.response.status_code"] == 200


@pytest.mark.unhappy
@pytest.mark.parametrize("length", [b"11", b"9" * 5000])
async def test_a_body_that_announces_too_much_is_not_read_at_all(
    records: Records, length: bytes
) -> None:
    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    app = OperationsMiddleware(never, body_limit=10)
    client = await Client(app)("POST", headers=[(b"content-length", length)])
    assert client.problem()["code"] == "content_too_large"
    assert records.access()["http.response.status_code"] == 413
    assert len(records.all()) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize("app", [echo_size, answers_400, swallows])
async def test_a_body_that_grows_too_large_is_a_413_whatever_the_application_makes_of_it(
    records: Records, app: App
) -> None:
    client = await Client(OperationsMiddleware(app, body_limit=10))("POST", chunks=[b"x" * 6] * 3)
    assert client.problem()["status"] == 413
    assert len(client.sent) == 2
    assert records.access()["http.response.status_code"] == 413
    assert len(records.all()) == 1


@pytest.mark.unhappy
async def test_half_an_answer_is_broken_off_without_an_error_record(records: Records) -> None:
    async def eager(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await echo_size(scope, receive, send)

    with pytest.raises(BodyTooLargeError):
        await Client(OperationsMiddleware(eager, body_limit=10))("POST", chunks=[b"x" * 11])
    assert [record["level"] for record in records.all()] == ["info"]
    assert records.access()["error.type"] == "BodyTooLargeError"


@pytest.mark.unhappy
@pytest.mark.parametrize("length", [b"-5", b"abc", b"", "²".encode()])
async def test_a_length_that_is_no_number_does_not_matter(records: Records, length: bytes) -> None:
    app = OperationsMiddleware(echo_size, body_limit=10)
    client = await Client(app)("POST", headers=[(b"content-length", length)], chunks=[b"abc"])
    assert client.body == b"3"
