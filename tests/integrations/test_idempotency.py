"""Idempotency keys by one setting, on every framework by the same tests."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.integrations.conftest import Service
from tests.integrations.frameworks import FRAMEWORKS, Framework

ORIGIN = "https://web.example"
KEY = {"idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make(framework: Framework, service: Service) -> Callable[..., Any]:
    """Make the application with everything installed; options are settings."""

    def make(**options: Any) -> Any:
        app = framework.make()
        return service.install(app, install=framework.install, **options)

    return make


async def test_one_setting_makes_requests_repeatable(
    make: Callable[..., Any], service: Service
) -> None:
    app = make(idempotency_enabled=True, cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        first, again = [await client.post("/echo", content=b"tea", headers=KEY) for _ in range(2)]
    assert (first.json(), again.json()) == (3, 3)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["access-control-allow-origin"] == ORIGIN
    assert "Idempotency-Replayed" in again.headers["access-control-expose-headers"]
    ids = [answer.headers.get_list("x-request-id") for answer in (first, again)]
    assert [len(each) for each in ids] == [1, 1]
    assert ids[0] != ids[1]


@pytest.mark.unhappy
async def test_another_body_is_refused_as_a_problem(
    make: Callable[..., Any], service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(make(idempotency_enabled=True)) as client:
        await client.post("/echo", content=b"tea", headers=KEY)
        refused = await client.post("/echo", content=b"coffee", headers=KEY)
        broken = await client.post("/echo", headers={"idempotency-key": "a b"})
    assert problem_of(refused)["code"] == "idempotency_key_reused"
    assert problem_of(broken)["code"] == "invalid_idempotency_key"
    assert not [record for record in service.records() if record["level"] == "error"]


@pytest.mark.unhappy
async def test_a_key_means_nothing_unless_the_service_says_so(
    make: Callable[..., Any], service: Service
) -> None:
    async with service.client(make()) as client:
        answers = [
            await client.post("/echo", content=body, headers=KEY) for body in (b"tea", b"coffee")
        ]
    assert [answer.json() for answer in answers] == [3, 6]


@pytest.mark.unhappy
async def test_a_bug_is_repeated_and_logged_once(
    service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    app = FastAPI()
    calls: list[int] = []

    @app.post("/bug")
    async def bug() -> None:
        calls.append(1)
        raise ValueError("canary")

    service.install(app, idempotency_enabled=True)
    async with service.client(app) as client:
        first, again = [await client.post("/bug", headers=KEY) for _ in range(2)]
    assert problem_of(first)["code"] == again.json()["code"] == "internal_error"
    assert len(calls) == 1
    assert len([record for record in service.records() if record["level"] == "error"]) == 1


@pytest.mark.unhappy
async def test_the_document_tells_what_a_key_may_be_answered(service: Service) -> None:
    app = FastAPI()

    @app.post("/orders")
    async def order() -> None:
        return None

    @app.get("/orders")
    async def orders() -> None:
        return None

    service.install(app, idempotency_enabled=True)
    async with service.client(app) as client:
        document = (await client.get("/openapi.json")).json()
    post, get = document["paths"]["/orders"]["post"], document["paths"]["/orders"]["get"]
    [parameter] = post["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )
    for status in ("400", "409", "422"):
        assert list(post["responses"][status]["content"]) == ["application/problem+json"]
    assert "parameters" not in get
    assert set(get["responses"]) == {"200"}
