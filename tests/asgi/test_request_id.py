"""bedplate.asgi.request_id"""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedplate.asgi import RequestIdMiddleware
from bedplate.asgi.request_id import context_from
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.context import current_context

from .conftest import Client

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00-" + TRACE + b"-00f067aa0ba902b7-01"
FRESH = re.compile(r"[0-9a-f]{32}")


@given(st.from_regex(r"\A[A-Za-z0-9._-]{8,128}\Z"))
def test_a_harmless_id_of_the_callers_is_taken(given_id: str) -> None:
    assert context_from([(b"x-request-id", given_id.encode())]).request_id == given_id


def test_else_the_trace_id_is_taken() -> None:
    context = context_from([(b"host", b"x"), (b"traceparent", PARENT)])
    assert context.request_id == TRACE.decode()
    assert context.traceparent == PARENT.decode()


@pytest.mark.unhappy
@given(st.binary(max_size=200).filter(lambda raw: not re.fullmatch(rb"[A-Za-z0-9._-]{8,128}", raw)))
@example(b"short")
@example(b"x" * 129)
@example(b"abcdefgh\n")
@example(b"abcdefgh\r\nSet-Cookie: a=b")
@example("äbcdefghij".encode())
def test_any_other_value_is_replaced_and_kept_nowhere(raw: bytes) -> None:
    context = context_from([(b"x-request-id", raw)])
    assert FRESH.fullmatch(context.request_id)
    kept = list(vars(context).values())
    assert raw not in kept
    assert raw.decode("latin-1") not in kept


@pytest.mark.unhappy
def test_two_ids_are_no_id() -> None:
    context = context_from([(b"x-request-id", b"abcdefgh"), (b"x-request-id", b"abcdefgh")])
    assert FRESH.fullmatch(context.request_id)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "parent",
    [b"", TRACE, b"ff" + PARENT[2:], b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", PARENT.upper(), PARENT + b"\n",
     b"00-" + TRACE + b"-" + b"0" * 16 + b"-01", PARENT + b"-extra"],
)  # fmt: skip
def test_a_traceparent_that_is_not_valid_is_ignored(parent: bytes) -> None:
    context = context_from([(b"traceparent", parent)])
    assert context.traceparent is None
    assert context.request_id != TRACE.decode()


@pytest.mark.unhappy
def test_two_traceparents_are_none() -> None:
    assert context_from([(b"traceparent", PARENT), (b"traceparent", PARENT)]).traceparent is None


@pytest.mark.unhappy
def test_fresh_ids_do_not_repeat() -> None:
    assert len({context_from([]).request_id for _ in range(10_000)}) == 10_000


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Set an id of its own where it is asked to, and tell the one of the context in the body."""
    context = current_context()
    own = [(b"x-request-id", b"of-the-application")] if scope["path"] == "/own" else []
    await send({"type": "http.response.start", "status": 200, "headers": own})
    told = context.request_id if context else ""
    await send({"type": "http.response.body", "body": told.encode()})


async def test_alone_the_middleware_gives_each_request_its_id() -> None:
    client = Client(RequestIdMiddleware(answer))
    await client("GET", "/", headers=[(b"x-request-id", b"from-the-gateway")])
    assert client.header(b"x-request-id") == client.body == b"from-the-gateway"


@pytest.mark.unhappy
async def test_alone_it_sends_one_id_whatever_the_application_sends() -> None:
    client = Client(RequestIdMiddleware(answer))
    await client("GET", "/own")
    assert FRESH.fullmatch(client.header(b"x-request-id").decode())
    assert client.header(b"x-request-id") == client.body
    assert current_context() is None


@pytest.mark.unhappy
async def test_alone_it_leaves_no_context_behind_and_passes_what_is_no_request() -> None:
    seen: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        context = current_context()
        seen.append(context.request_id if context else None)
        raise ValueError

    for kind in ("http", "websocket", "lifespan"):
        headers = [(b"x-request-id", b"abcdefgh")]
        with pytest.raises(ValueError):
            await Client(RequestIdMiddleware(app))("GET", "/", type=kind, headers=headers)
        assert current_context() is None
    assert seen == ["abcdefgh", "abcdefgh", None]


@pytest.mark.unhappy
async def test_an_application_that_sends_one_message_again_has_one_id_in_each() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    client = Client(RequestIdMiddleware(app))
    ids = {(await client()).header(b"x-request-id") for _ in range(3)}
    assert len(ids) == 3
