"""The client for other services: what it carries, and what it sends again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from bedplate.clock import utc_now
from bedplate.context import RequestContext, request_context
from bedplate.http import HTTPClient

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Elsewhere(httpx.AsyncBaseTransport):
    """Another service: answers in turn, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("bedplate.http._sleep", sleep)
    return waited


async def ask(elsewhere: Elsewhere, method: str = "GET", **options: object) -> int:
    async with HTTPClient(transport=elsewhere, base_url="http://elsewhere") as client:
        return (await client.request(method, "/", **options)).status_code  # type: ignore[arg-type] # httpx's many


async def test_a_request_carries_the_id_of_the_request_that_causes_it() -> None:
    elsewhere = Elsewhere(httpx.Response(200), httpx.Response(200), httpx.Response(200))
    with request_context(RequestContext("request-1", traceparent=TRACE)):
        await ask(elsewhere)
        await ask(elsewhere, headers={"X-Request-ID": "my-own"})
    await ask(elsewhere)
    first, own, outside = (request.headers for request in elsewhere.requests)
    assert (first["x-request-id"], first["traceparent"]) == ("request-1", TRACE)
    assert own["x-request-id"] == "my-own"
    assert "x-request-id" not in outside
    assert "traceparent" not in outside


async def test_an_answer_is_given_as_it_is(pauses: list[float]) -> None:
    assert await ask(Elsewhere(httpx.Response(404))) == 404
    assert pauses == []


@pytest.mark.unhappy
@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_passing_failure_is_asked_again(status: int, pauses: list[float]) -> None:
    elsewhere = Elsewhere(httpx.Response(status), httpx.Response(status), httpx.Response(200))
    assert await ask(elsewhere) == 200
    assert len(pauses) == 2
    assert max(pauses) <= 0.2


@pytest.mark.unhappy
@pytest.mark.parametrize("status", [500, 501, 400, 429])
async def test_a_failure_that_does_not_pass_is_not(status: int) -> None:
    elsewhere = Elsewhere(httpx.Response(status))
    assert await ask(elsewhere) == status


@pytest.mark.unhappy
async def test_after_the_last_attempt_the_answer_is_the_callers() -> None:
    elsewhere = Elsewhere(*(httpx.Response(503) for _ in range(3)))
    assert await ask(elsewhere) == 503
    assert elsewhere.answers == []


@pytest.mark.unhappy
@pytest.mark.parametrize("failure", [httpx.ReadError("gone"), httpx.Response(503)])
async def test_what_may_have_had_an_effect_is_sent_once(
    failure: httpx.Response | Exception,
) -> None:
    elsewhere = Elsewhere(failure)
    if isinstance(failure, Exception):
        with pytest.raises(httpx.ReadError):
            await ask(elsewhere, "POST", json={"amount": 1})
    else:
        assert await ask(elsewhere, "POST", json={"amount": 1}) == 503
    assert len(elsewhere.requests) == 1


@pytest.mark.unhappy
async def test_a_key_makes_it_safe_to_send_again() -> None:
    elsewhere = Elsewhere(httpx.RemoteProtocolError("cut off"), httpx.Response(201))
    headers = {"Idempotency-Key": "one"}
    assert await ask(elsewhere, "POST", json={"amount": 1}, headers=headers) == 201
    assert [request.content for request in elsewhere.requests] == [b'{"amount":1}'] * 2


@pytest.mark.unhappy
async def test_without_a_connection_nothing_had_an_effect() -> None:
    elsewhere = Elsewhere(httpx.ConnectError("refused"), httpx.Response(201))
    assert await ask(elsewhere, "POST", content=b"x") == 201


@pytest.mark.unhappy
async def test_a_streamed_body_is_sent_once() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    with pytest.raises(httpx.ConnectError):
        await ask(Elsewhere(httpx.ConnectError("refused")), "PUT", content=body())


@pytest.mark.unhappy
async def test_a_slow_server_is_not_asked_again() -> None:
    elsewhere = Elsewhere(httpx.ReadTimeout("slow"))
    with pytest.raises(httpx.ReadTimeout):
        await ask(elsewhere)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("asked", "paused"),
    [
        ("1", [1.0]),
        ("0", [0.0]),
        ("Wed, 21 Oct 2015 07:28:00 GMT", [0.0]),
        ("3", []),
        ("9" * 99, []),
    ],
)
async def test_retry_after_is_honoured_within_bounds(
    asked: str, paused: list[float], pauses: list[float]
) -> None:
    elsewhere = Elsewhere(httpx.Response(429, headers={"Retry-After": asked}), httpx.Response(200))
    assert await ask(elsewhere) == (200 if paused else 429)
    assert pauses == paused


@pytest.mark.unhappy
@pytest.mark.parametrize("asked", ["soon", "-1", "", "٣", "1e9"])
async def test_a_retry_after_that_says_nothing_counts_for_nothing(asked: str) -> None:
    headers = [(b"retry-after", asked.encode())]
    assert await ask(Elsewhere(httpx.Response(429, headers=headers))) == 429
    assert await ask(Elsewhere(httpx.Response(503, headers=headers), httpx.Response(200))) == 200


@pytest.mark.unhappy
async def test_a_date_in_the_far_future_is_the_callers_to_see() -> None:
    later = format_datetime(utc_now() + timedelta(hours=1), usegmt=True)
    assert await ask(Elsewhere(httpx.Response(503, headers={"Retry-After": later}))) == 503


@pytest.mark.unhappy
@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"retries": -1}])
def test_senseless_settings_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        HTTPClient(**options)


@pytest.mark.unhappy
async def test_a_real_server_that_hangs_up_is_asked_again_and_one_that_is_gone_is_told() -> None:
    async with hanging_up(times=1) as (port, connections):
        async with HTTPClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert (await client.get("/")).text == "well"
        assert connections() == 2
    async with HTTPClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


@asynccontextmanager
async def hanging_up(times: int) -> AsyncIterator[tuple[int, Callable[[], int]]]:
    """A server that closes its first connections without an answer."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")
        if count > times:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lambda: count
