"""Rate limits of the settings and of the service, on every framework by the same tests."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.integrations.conftest import Service
from tests.integrations.frameworks import FRAMEWORKS, Framework

from bedplate.asgi import RateLimit
from bedplate.rate import Rate

ORIGIN = "https://web.example"
PATH = "/items/7/parts/door"


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make(framework: Framework, service: Service) -> Callable[..., Any]:
    """Make the application with everything installed; options are settings."""

    def make(*own: RateLimit, **options: Any) -> Any:
        app = framework.make()
        return service.install(app, install=framework.install, rate_limits=own, **options)

    return make


async def test_one_setting_limits_every_client(make: Callable[..., Any], service: Service) -> None:
    async with service.client(make(rate_limit="3/hour")) as client:
        answer = await client.get(PATH)
    assert answer.headers["ratelimit-policy"] == '"default";q=3;w=3600'
    assert answer.headers["ratelimit"] == '"default";r=2;t=3600'


async def test_nothing_is_limited_unless_somebody_says_so(
    make: Callable[..., Any], service: Service
) -> None:
    async with service.client(make()) as client:
        answer = await client.get(PATH)
    assert "ratelimit" not in answer.headers


@pytest.mark.unhappy
async def test_beyond_it_every_answer_is_a_problem_that_pages_can_read(
    make: Callable[..., Any], service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    app = make(rate_limit="5/hour", cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        answers = await asyncio.gather(*(client.get(PATH) for _ in range(12)))
        preflight = await client.options(PATH, headers={"access-control-request-method": "GET"})
        assert (await client.get("/health/live")).status_code == 200
    assert preflight.is_success  # browsers' own questions are not counted
    assert Counter(answer.status_code for answer in answers) == {200: 5, 429: 7}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem_of(refused)["code"] == "too_many_requests"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    exposed = refused.headers["access-control-expose-headers"]
    assert {"RateLimit", "Retry-After"} <= set(exposed.replace(" ", "").split(","))
    assert not [record for record in service.records() if record["level"] == "error"]


@pytest.mark.unhappy
async def test_a_service_limits_routes_of_its_own_besides(
    make: Callable[..., Any], service: Service
) -> None:
    strict = RateLimit("echo", Rate(1, 3600), paths=("/echo",), methods=("POST",))
    async with service.client(make(strict, rate_limit="100/hour")) as client:
        statuses = [(await client.post("/echo", content=b"x")).status_code for _ in range(2)]
        assert statuses == [200, 429]
        assert (await client.get(PATH)).status_code == 200
    assert [record.get("rate_limit") for record in service.records("request")] == [
        None,
        "echo",
        None,
    ]


@pytest.mark.unhappy
async def test_one_switch_turns_all_of_it_off(make: Callable[..., Any], service: Service) -> None:
    strict = RateLimit("echo", Rate(1, 3600), paths=("/echo",))
    app = make(strict, rate_limit="1/hour", rate_limit_enabled=False)
    async with service.client(app) as client:
        statuses = [(await client.post("/echo", content=b"x")).status_code for _ in range(3)]
        answer = await client.get(PATH)
    assert statuses == [200] * 3
    assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)


@pytest.mark.unhappy
async def test_only_a_trusted_proxy_tells_who_the_client_is(
    make: Callable[..., Any], service: Service
) -> None:
    for trusted, admitted in (((), 2), (("private",), 6)):
        app = make(rate_limit="2/hour", trusted_proxies=trusted)
        async with service.client(app) as client:  # from 127.0.0.1
            answers = [
                await client.get(PATH, headers={"x-forwarded-for": f"203.0.113.{number % 3}"})
                for number in range(9)
            ]
        assert [answer.status_code for answer in answers].count(200) == admitted
