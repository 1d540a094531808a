"""bedplate.asgi.operations: what every request leaves, around a bare ASGI application."""

import asyncio
from typing import Any

import pytest

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.context import bind, current_context, identify
from bedplate.logging.bridge import _MARK

from .conftest import Client, Records


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    bind(order=5)
    identify("user-1")
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})


async def test_a_request_leaves_one_access_record(records: Records) -> None:
    client = await Client(OperationsMiddleware(hello, resolve_route=lambda _: "/{name}"))(
        path="/bob", headers=[(b"x-request-id", b"abcdefgh")]
    )
    record = records.access()
    assert record["http.server.request.duration"] >= record["http.server.time_to_first_byte"] > 0
    expected = {
        "level": "info", "logger": "bedplate.access", "http.request.method": "GET", "http.route": "/{name}",
        "url.path": "/bob", "http.response.status_code": 201, "http.response.body.size": 5,
        "client.address": "203.0.113.7", "request_id": "abcdefgh", "principal": "user-1", "order": 5,
    }  # fmt: skip
    assert expected.items() <= record.items()
    assert client.header(b"x-request-id") == b"abcdefgh"
    assert client.header(b"x-own") == b"1"


async def test_each_answer_tells_browsers_to_be_careful_unless_it_says_otherwise(
    records: Records,
) -> None:
    async def framed(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"x-frame-options", b"SAMEORIGIN"), (b"x-request-id", b"own")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    client = await Client(OperationsMiddleware(framed))()
    assert client.header(b"x-frame-options") == b"SAMEORIGIN"
    assert client.header(b"x-content-type-options") == b"nosniff"
    assert client.header(b"x-request-id").decode() == records.access()["request_id"]


async def test_the_record_is_written_at_the_last_byte_not_after_background_work(
    records: Records,
) -> None:
    seen: list[int] = []

    async def working_on(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        seen.append(len(records.all("request")))

    await Client(OperationsMiddleware(working_on))()
    assert seen == [1]
    assert len(records.all()) == 1


async def test_other_kinds_of_scope_pass_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([scope, receive, send])

    scope: Scope = {"type": "lifespan"}

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None:
        return None

    await OperationsMiddleware(app)(scope, receive, send)
    assert seen == [scope, receive, send]


@pytest.mark.unhappy
async def test_an_exception_is_answered_logged_once_and_raised_again(records: Records) -> None:
    error = ValueError("canary password=hunter2")

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    client = Client(OperationsMiddleware(broken))
    with pytest.raises(ValueError, match="canary") as caught:
        await client(headers=[(b"x-request-id", b"abcdefgh")])
    assert caught.value is error
    problem = client.problem()
    assert (problem["status"], problem["code"], problem["request_id"]) == (
        500,
        "internal_error",
        "abcdefgh",
    )
    assert b"canary" not in client.body
    (failed,) = [record for record in records.all() if record["level"] == "error"]
    assert (failed["event"], failed["request_id"]) == ("unhandled exception", "abcdefgh")
    assert "ValueError" in failed["exception"]
    assert "hunter2" not in records.getvalue()
    assert records.access()["error.type"] == "ValueError"
    assert getattr(error, _MARK)


@pytest.mark.unhappy
async def test_an_exception_after_the_start_of_the_answer_changes_nothing_of_it(
    records: Records,
) -> None:
    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("canary")

    client = Client(OperationsMiddleware(half))
    with pytest.raises(ValueError, match="canary"):
        await client()
    assert (client.status, client.body) == (200, b"half")
    assert records.access()["error.type"] == "ValueError"
    assert len(records.all()) == 2


@pytest.mark.unhappy
async def test_an_exception_in_background_work_has_one_record_with_the_request_id(
    records: Records,
) -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        await Client(OperationsMiddleware(late))()
    access, failed = records.all()
    assert "error.type" not in access
    assert failed["request_id"] == access["request_id"]


@pytest.mark.unhappy
async def test_an_application_that_says_nothing_is_answered_for(records: Records) -> None:
    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return None

    client = await Client(OperationsMiddleware(silent))()
    assert client.problem()["status"] == 500
    assert records.access()["error.type"] == "NoResponse"
    assert len(records.all("the application sent no response")) == 1


@pytest.mark.unhappy
async def test_cancellation_is_recorded_and_raised_again(records: Records) -> None:
    begun = asyncio.Event()

    async def hanging(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Client(OperationsMiddleware(hanging))())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    record = records.access()
    assert (record["http.response.status_code"], record["error.type"]) == (499, "CancelledError")
    assert len(records.all()) == 1


@pytest.mark.unhappy
async def test_a_client_that_went_away_is_499_and_no_error(records: Records) -> None:
    class ClientDisconnect(Exception):  # noqa: N818 - as Starlette names it
        pass

    async def reading(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect

    await Client(OperationsMiddleware(reading))()
    (record,) = records.all()
    assert (record["level"], record["http.response.status_code"]) == ("info", 499)


@pytest.mark.unhappy
async def test_a_send_that_fails_means_that_the_client_went_away(records: Records) -> None:
    client = Client(OperationsMiddleware(hello))
    client.fail_send = OSError("gone")
    await client()
    (record,) = records.all()
    assert record["http.response.status_code"] == 499


@pytest.mark.unhappy
async def test_our_own_error_stays_one_although_the_client_went_away(records: Records) -> None:
    async def reading(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await Client(OperationsMiddleware(reading))()
    assert [record["level"] for record in records.all()].count("error") == 1


@pytest.mark.unhappy
async def test_nothing_of_a_request_is_left_for_the_next(records: Records) -> None:
    async def second(scope: Scope, _receive: Receive, send: Send) -> None:
        context = current_context()
        assert context is not None
        assert context.fields == {}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    await Client(OperationsMiddleware(hello))()
    await Client(OperationsMiddleware(second))()
    assert current_context() is None
    assert "order" not in records.all()[1]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "path", ["/a\r\nb", "/x\x1b[31m", "/reset/lovelace@example.org", "/\ud800"]
)
async def test_a_hostile_path_stays_one_record_without_personal_data(
    records: Records, path: str
) -> None:
    await Client(OperationsMiddleware(hello))(path=path)
    assert records.access()["url.path"].isprintable()
    assert "lovelace" not in records.getvalue()


@pytest.mark.unhappy
@pytest.mark.parametrize("address", ["\x9b31m", "::1\r\nforged", "lovelace@example.org", "\ud800"])
async def test_an_address_that_a_proxy_passed_on_is_as_hostile_as_a_path(
    records: Records, address: str
) -> None:
    await Client(OperationsMiddleware(hello))(client=(address, 0))
    assert str(records.access()["client.address"]).isprintable()
    assert "lovelace" not in records.getvalue()


@pytest.mark.unhappy
async def test_a_layer_inside_of_another_adds_no_second_record(records: Records) -> None:
    client = await Client(OperationsMiddleware(OperationsMiddleware(hello)))()
    assert len(records.all()) == 1
    assert client.header(b"x-request-id").decode() == records.access()["request_id"]


@pytest.mark.unhappy
async def test_a_rejected_id_is_in_no_record_and_no_header(records: Records) -> None:
    client = await Client(OperationsMiddleware(hello))(
        headers=[(b"x-request-id", b"canary\x1b bad")]
    )
    assert "canary" not in records.getvalue()
    assert b"canary" not in client.header(b"x-request-id")


@pytest.mark.unhappy
async def test_a_file_sent_by_the_server_itself_is_complete_too(records: Records) -> None:
    async def file(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/dev/null"})
        assert records.access()["http.response.status_code"] == 200

    await Client(OperationsMiddleware(file))()
