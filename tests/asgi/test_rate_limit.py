"""bedplate.asgi.rate_limit: who asks too often is told so before any work is done."""

import re
from typing import Any

import pytest

from bedplate.asgi import (
    MemoryRateCounter,
    OperationsMiddleware,
    RateLimit,
    RateLimitMiddleware,
    TrustedProxies,
)
from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.errors import ConfigurationError
from bedplate.rate import Rate

from .conftest import Client, Records

MINUTE = 60


class Served:
    """An application that counts what reaches it, within limits."""

    def __init__(self, *limits: RateLimit, proxies: tuple[str, ...] = ()) -> None:
        self.reached = 0
        self.now = 1000.0
        counter = MemoryRateCounter(clock=lambda: self.now)
        limited = RateLimitMiddleware(self.app, limits, counter)
        trusted = TrustedProxies(proxies) if proxies else None
        self.client = Client(OperationsMiddleware(limited, trusted_proxies=trusted))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def statuses(self, times: int, **request: Any) -> list[int]:
        return [(await self.client(**request)).status for _ in range(times)]


def limit(amount: int, **options: Any) -> RateLimit:
    return RateLimit(options.pop("name", "default"), Rate(amount, MINUTE), **options)


async def test_each_answer_tells_what_is_left(records: Records) -> None:
    served = Served(limit(3))
    told = []
    for _ in range(3):
        client = await served.client()
        assert client.header(b"ratelimit-policy") == b'"default";q=3;w=60'
        assert client.header(b"x-own") == b"1"
        told.append(client.header(b"ratelimit"))
        served.now += 10
    assert told == [b'"default";r=2;t=60', b'"default";r=1;t=50', b'"default";r=0;t=40']


async def test_when_the_window_is_over_there_is_all_of_it_again(records: Records) -> None:
    served = Served(limit(2))
    assert await served.statuses(3) == [200, 200, 429]
    served.now += MINUTE
    assert await served.statuses(3) == [200, 200, 429]


async def test_the_probes_and_the_metrics_are_never_counted(records: Records) -> None:
    served = Served(limit(1))
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert await served.statuses(3, path=path) == [200] * 3
        assert not [name for name, _ in served.client.headers if name.startswith(b"ratelimit")]


@pytest.mark.unhappy
async def test_what_is_beyond_the_limit_is_a_429_that_says_when_and_costs_no_work(
    records: Records,
) -> None:
    served = Served(limit(2))
    await served.statuses(2)
    served.now += 0.5
    client = await served.client(headers=[(b"x-request-id", b"abcdefgh")])
    problem = client.problem()
    assert (problem["status"], problem["code"]) == (429, "too_many_requests")
    assert problem["request_id"] == "abcdefgh"
    assert client.header(b"retry-after") == b"60"  # rounded up: never too early
    assert client.header(b"ratelimit") == b'"default";r=0;t=60'
    assert served.reached == 2
    record = records.all("request")[-1]
    assert (record["http.response.status_code"], record["rate_limit"]) == (429, "default")
    assert len(records.all()) == 3


@pytest.mark.unhappy
async def test_one_client_does_not_use_up_what_another_has(records: Records) -> None:
    served = Served(limit(2))
    assert await served.statuses(3, client=("203.0.113.7", 1)) == [200, 200, 429]
    assert await served.statuses(3, client=("203.0.113.8", 1)) == [200, 200, 429]


@pytest.mark.unhappy
async def test_who_changes_port_or_address_within_a_network_is_the_same(records: Records) -> None:
    served = Served(limit(2))
    for number in range(5):
        await served.client(client=(f"2001:db8:1:2::{number}", number))
    assert served.reached == 2


@pytest.mark.unhappy
async def test_a_client_without_an_address_is_not_counted_as_everybody(records: Records) -> None:
    served = Served(limit(1))
    assert await served.statuses(3, client=None) == [200] * 3


@pytest.mark.unhappy
async def test_several_limits_hold_together_and_are_told_together(records: Records) -> None:
    served = Served(limit(5), limit(2, name="sign-up", paths=("/users",), methods=("post",)))
    assert await served.statuses(3, method="POST", path="/users") == [200, 200, 429]
    told = served.client.header(b"ratelimit")
    assert told == b'"default";r=2;t=60, "sign-up";r=0;t=60'
    policies = served.client.header(b"ratelimit-policy")
    assert policies == b'"default";q=5;w=60, "sign-up";q=2;w=60'
    assert await served.statuses(3, method="GET", path="/users") == [200, 200, 429]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/users/", ""),
        ("/users/7", ""),
        ("//users", ""),
        ("/api/users", "/api"),
        ("/api/users", "/api/"),
        ("/users", "/api"),
    ],
)
async def test_another_spelling_of_the_path_is_no_way_around(
    records: Records, path: str, root: str
) -> None:
    served = Served(limit(1, paths=("/users",)))
    assert await served.statuses(2, path=path, root_path=root) == [200, 429]


@pytest.mark.unhappy
@pytest.mark.parametrize("path", ["/user", "/other/users", "/apiusers"])
async def test_another_path_is_not_limited(records: Records, path: str) -> None:
    served = Served(limit(1, paths=("/users",)))
    assert await served.statuses(3, path=path, root_path="/api") == [200] * 3


@pytest.mark.unhappy
async def test_a_header_of_the_clients_own_is_no_way_around(records: Records) -> None:
    served = Served(limit(2))
    for number in range(5):
        await served.client(headers=[(b"x-forwarded-for", b"198.51.100.%d" % number)])
    assert served.reached == 2
    [reminder] = records.all("x_forwarded_for_ignored")  # once, not for each refusal
    assert reminder["level"] == "warning"
    assert "198.51.100" not in records.getvalue()


@pytest.mark.unhappy
async def test_behind_a_trusted_proxy_its_clients_are_counted_each(records: Records) -> None:
    served = Served(limit(2), proxies=("203.0.113.7",))
    for number in range(8):
        forwarded = b"192.0.2.%d, 198.51.100.%d" % (number, number % 2)  # the first is made up
        await served.client(headers=[(b"x-forwarded-for", forwarded)])
    assert served.reached == 4
    assert not records.all("x_forwarded_for_ignored")
    addresses = {record["client.address"] for record in records.all("request")}
    assert addresses == {"198.51.100.0", "198.51.100.1"}


async def _connect(served: Served, **scope: Any) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {"type": "websocket", "path": "/ws", "headers": [], "client": ("203.0.113.7", 1)}
    await served.client.app({**whole, **scope}, receive, send)
    return sent


@pytest.mark.unhappy
async def test_a_websocket_beyond_the_limit_is_refused_before_it_is_accepted(
    records: Records,
) -> None:
    served = Served(limit(1))
    await served.client()
    assert await _connect(served) == [{"type": "websocket.close", "code": 1008}]
    start, body = await _connect(served, extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert (b"ratelimit", b'"default";r=0;t=60') in start["headers"]
    assert re.search(b'"code": "too_many_requests"', body["body"])
    assert served.reached == 1


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "options",
    [
        {"name": "Sign Up"},
        {"name": 'x"y'},
        {"name": ""},
        {"paths": ("users",)},
        {"paths": "/users"},
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        limit(1, **options)


@pytest.mark.unhappy
def test_two_limits_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        Served(limit(1), limit(2))


@pytest.mark.unhappy
async def test_who_was_told_the_client_by_its_server_is_not_reminded_of_proxies(
    records: Records,
) -> None:
    served = Served(limit(1))
    for _ in range(2):  # as uvicorn leaves it, which was told by --forwarded-allow-ips
        forwarded = [(b"x-forwarded-for", b"198.51.100.1")]
        await served.client(client=("198.51.100.1", 0), headers=forwarded)
    assert served.client.status == 429
    assert not records.all("x_forwarded_for_ignored")


@pytest.mark.unhappy
async def test_an_application_that_sends_one_message_again_tells_what_is_left_once(
    records: Records,
) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    client = Client(RateLimitMiddleware(app, [limit(9)], MemoryRateCounter()))
    for _ in range(3):
        await client()
    assert client.header(b"ratelimit").startswith(b'"default";r=6;')
    assert start["headers"] == []


@pytest.mark.unhappy
async def test_no_answer_tells_of_more_than_a_whole_window(records: Records) -> None:
    served = Served(RateLimit("default", Rate(9, 3600)))
    served.now = 2372.003  # with an hour more, and without it again: 3600.0000000000005
    client = await served.client()
    assert client.header(b"ratelimit") == b'"default";r=8;t=3600'
