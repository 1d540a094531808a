"""What install() promises, on each framework by the same tests."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.integrations.conftest import Service
from tests.integrations.frameworks import CANARY, FRAMEWORKS, Framework

from bedplate.context import current_context

ORIGIN = "https://web.example"


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make(framework: Framework, service: Service) -> Callable[..., Any]:
    """Make the application with everything installed; options are settings."""

    def make(*, handlers: dict[Any, Any] | None = None, **options: Any) -> Any:
        return service.install(
            framework.make(handlers=handlers), install=framework.install, **options
        )

    return make


async def test_the_application_keeps_its_type(framework: Framework, service: Service) -> None:
    app = framework.make()
    kind = type(app)
    assert service.install(app, install=framework.install) is app
    assert type(app) is kind


async def test_a_request_leaves_one_record_with_its_template_and_what_it_bound(
    make: Callable[..., Any], service: Service
) -> None:
    async with service.client(make()) as client:
        response = await client.get(
            "/items/7/parts/door", headers={"x-request-id": "request-seven"}
        )
    assert response.json() == {"number": 7, "name": "door"}
    assert response.headers["x-request-id"] == "request-seven"
    (record,) = service.records()
    assert record["http.route"] == "/items/{number}/parts/{name}"
    assert (record["request_id"], record["part"]) == ("request-seven", "door")
    assert record["http.response.status_code"] == 200


async def test_health_is_served(make: Callable[..., Any], service: Service) -> None:
    async def fine() -> None:
        return None

    app = make(checks={"database": fine})
    async with service.client(app) as client:
        for name in ("live", "ready", "startup"):
            response = await client.get(f"/health/{name}")
            assert (response.status_code, response.json()["status"]) == (200, "ok")
        app.state.health.begin_shutdown()
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
    assert set(service.routes()) == {"/health/live", "/health/ready", "/health/startup"}


async def test_pages_of_the_settings_origins_may_call(
    make: Callable[..., Any], service: Service
) -> None:
    app = make(cors_origins=(ORIGIN,), cors_allow_credentials=True)
    asked = {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}  # fmt: skip
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        response = await client.get("/items/7/parts/door")
        preflight = await client.options("/items/7/parts/door", headers=asked)
        bug = await client.get("/bug")
    for answer in (response, preflight, bug):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert preflight.is_success
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "X-Request-ID" in response.headers["access-control-expose-headers"]


@pytest.mark.unhappy
async def test_a_bug_is_one_error_record_and_a_problem_that_tells_nothing(
    make: Callable[..., Any], service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(make()) as client:
        response = await client.get("/bug")
    assert problem_of(response)["code"] == "internal_error"
    assert CANARY not in response.text
    error, access = sorted(service.records(), key=lambda record: record["level"])
    assert (error["level"], access["level"]) == ("error", "info")
    assert error["request_id"] == access["request_id"] == response.headers["x-request-id"]
    assert access["error.type"] == "ValueError"
    assert access["http.response.status_code"] == 500


@pytest.mark.unhappy
async def test_the_exception_itself_reaches_the_server_and_test_clients(
    make: Callable[..., Any],
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make()), base_url="http://test"
    ) as client:
        with pytest.raises(ValueError, match=CANARY):
            await client.get("/bug")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("missing", 404, "not_found"),
        ("taken", 409, "duplicate"),
        ("unknown", 401, "unauthenticated"),
        ("down", 503, "unavailable"),
    ],
)
async def test_domain_errors_are_answered_by_the_one_table(
    make: Callable[..., Any],
    service: Service,
    problem_of: Callable[[httpx.Response], Any],
    kind: str,
    status: int,
    code: str,
) -> None:
    async with service.client(make()) as client:
        response = await client.get(f"/domain/{kind}")
    document = problem_of(response)
    assert (response.status_code, document["status"]) == (status, status)
    assert code in document["code"]
    assert ("www-authenticate" in response.headers) is (status == 401)
    assert ("retry-after" in response.headers) is (status == 503)
    assert not [record for record in service.records() if record["level"] == "error"]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/stream", 405), ("POST", "/health/live", 405)],
)
async def test_what_no_route_takes_is_a_problem_too(
    make: Callable[..., Any],
    service: Service,
    problem_of: Callable[[httpx.Response], Any],
    method: str,
    path: str,
    status: int,
) -> None:
    async with service.client(make()) as client:
        response = await client.request(method, path)
    assert problem_of(response)["status"] == status
    assert ("allow" in response.headers) is (status == 405)
    assert len(service.records()) == 1


@pytest.mark.unhappy
async def test_an_exception_of_the_framework_keeps_its_words_and_headers(
    make: Callable[..., Any], service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(make()) as client:
        response = await client.get("/teapot")
    document = problem_of(response)
    assert (document["status"], document["detail"]) == (418, "Short and stout.")
    assert response.headers["x-spout"] == "yes"


@pytest.mark.unhappy
async def test_a_body_beyond_the_limit_is_413(
    make: Callable[..., Any], service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async def parts() -> Any:
        for _ in range(3):
            yield b"x" * 1000

    app = make(request_body_limit=2048)
    async with service.client(app) as client:
        assert (await client.post("/echo", content=b"x" * 2048)).json() == 2048
        for content in (b"x" * 2049, parts()):
            assert problem_of(await client.post("/echo", content=content))["status"] == 413
    assert not [record for record in service.records() if record["level"] == "error"]


@pytest.mark.unhappy
async def test_a_handler_that_is_there_already_stays(
    framework: Framework, make: Callable[..., Any], service: Service
) -> None:
    import litestar
    from starlette.responses import PlainTextResponse

    def ours(_request: Any, _error: Any) -> Any:
        if framework.name == "litestar":
            return litestar.Response("ours", status_code=410, media_type="text/plain")
        return PlainTextResponse("ours", status_code=410)

    app = make(handlers={framework.teapot: ours, Exception: ours})
    async with service.client(app) as client:
        for path in ("/teapot", "/bug"):
            response = await client.get(path)
            assert (response.status_code, response.text) == (410, "ours")
    assert "ValueError" in [record.get("error.type") for record in service.records("request")]


@pytest.mark.unhappy
async def test_a_stream_ends_in_one_record_and_no_context_is_left(
    make: Callable[..., Any], service: Service
) -> None:
    async with service.client(make()) as client:
        answers = await asyncio.gather(*(client.get("/stream") for _ in range(20)))
    assert {len(answer.content) for answer in answers} == {30}
    records = service.records("request")
    assert [record["http.response.body.size"] for record in records] == [30] * 20
    assert len({record["request_id"] for record in records}) == 20
    assert current_context() is None


@pytest.mark.unhappy
async def test_it_is_installed_once(
    framework: Framework, make: Callable[..., Any], service: Service
) -> None:
    app = make()
    with pytest.raises(RuntimeError, match="before"):
        service.install(app, install=framework.install)


@pytest.mark.unhappy
async def test_another_origin_gets_nothing(make: Callable[..., Any], service: Service) -> None:
    app = make(cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": "https://evil.example"}) as client:
        response = await client.get("/stream")
        preflight = await client.options(
            "/stream", headers={"access-control-request-method": "GET"}
        )
    assert "access-control-allow-origin" not in response.headers
    assert preflight.status_code == 400
