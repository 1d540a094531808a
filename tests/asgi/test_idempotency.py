"""bedplate.asgi.idempotency: a request with a key is carried out once, however often it is sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedplate.asgi import (
    IdempotencyMiddleware,
    MemoryIdempotencyStore,
    OperationsMiddleware,
    token_subject,
)
from bedplate.asgi.idempotency import _parse
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.auth.keys import KeyRing
from bedplate.auth.tokens import AccessTokens
from bedplate.context import current_context
from bedplate.secret_strength import generate_secret

from .conftest import Client, Records

KEY = b'"8e03978e-40d5-43e8-bc93-6894a57f9324"'
SECRET = b"s" * 32
type Handler = Callable[[bytes, Send], Awaitable[None]]


async def created(body: bytes, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"location", b"/orders/1"), (b"set-cookie", b"a=b"),
               (b"x-own", "é".encode("latin-1"))]  # fmt: skip
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": b"or", "more_body": True})
    await send({"type": "http.response.body", "body": b"der " + body})


class Served:
    """An application that counts what it carries out."""

    def __init__(self, handler: Handler = created, **options: Any) -> None:
        self.handler = handler
        self.carried_out = 0
        self.now = 1000.0
        self.store = MemoryIdempotencyStore(clock=lambda: self.now)
        layer = IdempotencyMiddleware(self.app, self.store, SECRET, **options)
        self.whole = OperationsMiddleware(layer, body_limit=1000)

    async def app(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.carried_out += 1
        await self.handler((await receive())["body"], send)

    async def post(
        self,
        body: bytes = b"tea",
        *,
        key: bytes | None = KEY,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        method: str = "POST",
        **request: Any,
    ) -> Client:
        keys = [(b"idempotency-key", key)] if key is not None else []
        given = [*keys, *headers]
        half = len(body) // 2
        chunks = [body[:half], body[half:]]
        return await Client(self.whole)(method, "/orders", headers=given, chunks=chunks, **request)


def answering(status: int, *headers: tuple[bytes, bytes], body: bytes = b"") -> Handler:
    async def answer(_body: bytes, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        await send({"type": "http.response.body", "body": body})

    return answer


async def test_the_same_request_again_gets_the_same_answer(records: Records) -> None:
    served = Served()
    first, again = await served.post(), await served.post()
    assert served.carried_out == 1
    assert (again.status, again.body) == (first.status, first.body) == (201, b"order tea")
    for name in (b"content-type", b"location", b"x-own"):
        assert again.header(name) == first.header(name)
    assert again.header(b"idempotency-replayed") == b"true"
    assert not [name for name, _ in first.headers if name == b"idempotency-replayed"]
    assert not [name for name, _ in again.headers if name == b"set-cookie"]
    assert first.header(b"x-request-id") != again.header(b"x-request-id")
    assert [record.get("idempotency") for record in records.all("request")] == [None, "replayed"]


async def test_without_a_key_and_with_methods_that_are_idempotent_nothing_is_kept(
    records: Records,
) -> None:
    served = Served()
    for _ in range(2):
        await served.post(key=None)
        for method in ("GET", "PUT", "DELETE"):
            await served.post(method=method)
    assert served.carried_out == 8


async def test_after_its_time_a_request_is_carried_out_again(records: Records) -> None:
    served = Served(keep=60)
    await served.post()
    served.now += 59
    await served.post()
    assert served.carried_out == 1
    served.now += 1
    await served.post()
    assert served.carried_out == 2


async def test_who_the_caller_is_may_be_told_so_that_a_new_token_changes_nothing(
    records: Records,
) -> None:
    def subject(scope: Scope) -> str | None:
        [token] = [value for name, value in scope["headers"] if name == b"authorization"]
        return None if token == b"Bearer unknown" else token.decode().partition(".")[0]

    served = Served(caller=subject)
    for token in (b"Bearer ada.1", b"Bearer ada.2", b"Bearer bob.1", b"Bearer unknown"):
        await served.post(headers=((b"authorization", token),))
    assert served.carried_out == 3


@pytest.mark.unhappy
async def test_a_renewed_access_token_is_the_same_caller_and_a_forged_one_is_not(
    records: Records,
) -> None:
    tokens = AccessTokens(KeyRing.from_secret(generate_secret()), issuer="i", audience="a")
    forger = AccessTokens(KeyRing.from_secret(generate_secret()), issuer="i", audience="a")
    ada, bob = uuid4(), uuid4()
    served = Served(caller=token_subject(tokens))
    replayed = []
    for signer, who in ((tokens, ada), (tokens, ada), (tokens, bob), (forger, ada)):
        token = signer.issue(who, uuid4(), 1).token.encode()
        answer = await served.post(headers=((b"authorization", b"Bearer " + token),))
        replayed.append(any(name == b"idempotency-replayed" for name, _ in answer.headers))
    for header in (b"Basic YTpi", b"Bearer", b"\xff", b""):
        assert (await served.post(headers=((b"authorization", header),))).status == 201
    assert replayed == [False, True, False, False]


@pytest.mark.unhappy
async def test_of_many_at_once_one_is_carried_out_and_the_others_are_409(records: Records) -> None:
    release = asyncio.Event()

    async def slow(body: bytes, send: Send) -> None:
        await release.wait()
        await created(body, send)

    served = Served(slow)
    tasks = [asyncio.create_task(served.post()) for _ in range(20)]
    pending = set(tasks)
    while len(pending) > 1:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    release.set()
    answers = [await task for task in tasks]
    refused = [answer for answer in answers if answer.status == 409]
    assert (len(refused), served.carried_out) == (19, 1)
    assert {answer.problem()["code"] for answer in refused} == {"idempotency_key_in_use"}
    assert refused[0].header(b"retry-after") == b"1"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "other",
    [
        {"body": b"coffee"},
        {"query_string": b"a=b"},
        {"method": "PATCH"},
        {"headers": ((b"content-type", b"text/plain"),)},
    ],
)
async def test_another_request_under_the_same_key_is_a_422(
    records: Records, other: dict[str, Any]
) -> None:
    served = Served()
    await served.post()
    refused = await served.post(**other)
    assert (refused.problem()["status"], refused.problem()["code"]) == (
        422,
        "idempotency_key_reused",
    )
    assert served.carried_out == 1


@pytest.mark.unhappy
async def test_the_key_of_another_caller_is_another_key(records: Records) -> None:
    served = Served()
    callers: list[dict[str, Any]] = [
        {"headers": ((b"authorization", b"Bearer ada"),)},
        {"headers": ((b"authorization", b"Bearer bob"),)},
        {"headers": ((b"cookie", b"session=ada"),)},
        {"client": ("203.0.113.9", 1)},
        {"client": None},
    ]
    for caller in callers:
        answer = await served.post(b"tea", **caller)
        assert answer.status == 201
    assert served.carried_out == len(callers)


@pytest.mark.unhappy
@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429, 503])
async def test_what_was_refused_may_be_sent_again(records: Records, status: int) -> None:
    served = Served(answering(status))
    await served.post()
    served.handler = created
    assert (await served.post()).status == 201


@pytest.mark.unhappy
async def test_a_commit_of_unknown_outcome_is_not_tried_again(records: Records) -> None:
    async def unknown(_body: bytes, send: Send) -> None:
        context = current_context()
        assert context is not None
        context.error_type = "CommitOutcomeUnknownError"
        await answering(503)(b"", send)

    served = Served(unknown)
    await served.post()
    assert (await served.post()).status == 503
    assert served.carried_out == 1


@pytest.mark.unhappy
async def test_after_an_exception_nobody_knows_what_was_done_so_that_it_is_not_done_again(
    records: Records,
) -> None:
    async def broken(_body: bytes, _send: Send) -> None:
        raise ValueError("canary")

    served = Served(broken)
    with pytest.raises(ValueError, match="canary"):
        await served.post()
    again = await served.post()
    assert (again.problem()["code"], served.carried_out) == ("internal_error", 1)
    assert again.header(b"idempotency-replayed") == b"true"


@pytest.mark.unhappy
async def test_an_application_that_says_nothing_is_not_asked_again(records: Records) -> None:
    async def silent(_body: bytes, _send: Send) -> None:
        return None

    served = Served(silent)
    assert [(await served.post()).status for _ in range(2)] == [500, 500]
    assert served.carried_out == 1


async def _half(_body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def _file(_body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.pathsend", "path": "/dev/null"})


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "handler",
    [
        answering(200, body=b"x" * 101),
        answering(200, (b"cache-control", b"private, No-Store")),
        _half,
        _file,
    ],
    ids=["large", "no-store", "half", "file"],
)
async def test_what_cannot_be_kept_is_not_carried_out_again_either(
    records: Records, handler: Handler
) -> None:
    served = Served(handler, most_bytes=100)
    await served.post()
    again = await served.post()
    assert again.problem()["code"] == "idempotent_answer_not_kept"
    assert (again.status, served.carried_out) == (409, 1)


@pytest.mark.unhappy
async def test_a_request_that_was_cut_off_frees_its_key_after_a_while(records: Records) -> None:
    async def hanging(_body: bytes, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    begun = asyncio.Event()
    served = Served(hanging)
    task = asyncio.create_task(served.post())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    served.handler = created
    assert (await served.post()).status == 409
    served.now += 30
    assert (await served.post()).status == 201


@pytest.mark.unhappy
async def test_a_body_beyond_the_limit_is_a_413_that_keeps_nothing(records: Records) -> None:
    served = Served()
    assert (await served.post(b"x" * 1001)).status == 413
    assert served.carried_out == 0
    assert (await served.post()).status == 201


@pytest.mark.unhappy
async def test_a_client_that_leaves_before_its_body_is_there_has_nothing_carried_out(
    records: Records,
) -> None:
    served = Served()

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(_message: Any) -> None:
        raise AssertionError

    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"te", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"idempotency-key", KEY)]}
    await IdempotencyMiddleware(served.app, served.store, SECRET)(scope, receive, send)
    assert served.carried_out == 0


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "keys",
    [[b""], [b'""'], [b'"a', b'b"'], [KEY, KEY], [b'"' + b"x" * 256 + b'"'], [b"a b"], ["ä".encode()], [b'"a\x00"'],
     [b'"a";x=1'], [b"x" * 256]],
)  # fmt: skip
async def test_a_key_that_is_none_is_a_400(records: Records, keys: list[bytes]) -> None:
    served = Served()
    headers = tuple((b"idempotency-key", key) for key in keys)
    refused = await served.post(key=None, headers=headers)
    assert (refused.status, refused.problem()["code"]) == (400, "invalid_idempotency_key")
    assert served.carried_out == 0
    assert all(len(key) < 3 or key not in json.dumps(records.all()).encode() for key in keys)


@pytest.mark.unhappy
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=255))
@example('a"b\\c')
def test_a_string_of_structured_fields_is_read_as_what_it_says(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert _parse([f'"{quoted}"'.encode()]) == text.encode()


@pytest.mark.unhappy
async def test_neither_key_nor_caller_nor_request_stands_in_the_store(records: Records) -> None:
    served = Served(answering(201, body=b"answer"))
    await served.post(b"hunter2", headers=((b"authorization", b"Bearer hunter3"),))
    kept = repr(served.store._values)
    for secret in ("hunter2", "hunter3", "8e03978e", SECRET.decode()):
        assert secret not in kept
        assert secret not in records.getvalue()


@pytest.mark.unhappy
async def test_a_slow_request_keeps_its_claim(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedplate.asgi.idempotency._CLAIM", 0.03)
    renewed = asyncio.Event()
    release = asyncio.Event()

    async def slow(body: bytes, send: Send) -> None:
        await release.wait()
        await created(body, send)

    served = Served(slow)
    put = served.store.replace

    async def replace(*arguments: Any) -> bool:
        renewed.set()
        return await put(*arguments)

    monkeypatch.setattr(served.store, "replace", replace)
    task = asyncio.create_task(served.post())
    await renewed.wait()
    release.set()
    assert (await task).status == 201
    assert (await served.post()).header(b"idempotency-replayed") == b"true"
