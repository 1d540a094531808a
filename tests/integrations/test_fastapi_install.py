"""What install() gives: headers, CORS, health, context; and what it leaves alone."""

import asyncio
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from bedplate.context import bind
from bedplate.logging import get_logger

from .conftest import Service

ORIGIN = "https://web.example"


def make() -> FastAPI:
    app = FastAPI()

    @app.get("/bind/{number}")
    def bind_in_a_thread(number: int, background: BackgroundTasks) -> int:
        bind(number=number)
        background.add_task(get_logger("later").info, "in the background")
        return number

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> Any:
            for _ in range(3):
                yield b"x" * 10

        return StreamingResponse(chunks())

    @app.get("/bug")
    async def bug() -> None:
        raise ValueError("bug")

    return app


async def test_the_application_stays_what_it_was(service: Service) -> None:
    app = make()
    assert service.install(app) is app
    assert type(app) is FastAPI


async def test_what_is_bound_in_a_thread_reaches_the_record_through_other_middleware(
    service: Service,
) -> None:
    class Passing(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            return await call_next(request)

    app = make()
    app.add_middleware(Passing)
    service.install(app)
    async with service.client(app) as client:
        await asyncio.gather(*(client.get(f"/bind/{number}") for number in range(20)))
    for record in service.records("request"):
        assert record["url.path"] == f"/bind/{record['number']}"
    later, access = service.records("in the background"), service.records("request")
    assert {record["request_id"] for record in later} == {record["request_id"] for record in access}
    assert len(access) == 20


async def test_a_stream_is_recorded_at_its_end_with_its_size(service: Service) -> None:
    app = service.install(make())
    async with service.client(app) as client:
        assert (await client.get("/stream")).content == b"x" * 30
    (record,) = service.records("request")
    assert record["http.response.body.size"] == 30


async def test_health_is_served_and_checked(service: Service) -> None:
    async def fine() -> None:
        return None

    app = service.install(make(), checks={"database": fine})
    async with service.client(app) as client:
        for name in ("live", "ready", "startup"):
            response = await client.get(f"/health/{name}")
            assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert "/health/live" not in app.openapi()["paths"]


async def test_the_origins_of_the_settings_may_call(service: Service) -> None:
    app = service.install(make(), cors_origins=(ORIGIN,), cors_allow_credentials=True)
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        response = await client.get("/bind/1")
        preflight = await client.options(
            "/bind/1", headers={"access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}
        )  # fmt: skip
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in response.headers["access-control-expose-headers"]
    assert preflight.status_code == 200


async def test_deployed_services_insist_on_https(service: Service) -> None:
    deployed = service.install(make(), environment="production", database_url="postgresql://h/d")
    local = Service().install(make())
    async with service.client(deployed) as one, service.client(local) as other:
        assert "max-age" in (await one.get("/stream")).headers["strict-transport-security"]
        assert "strict-transport-security" not in (await other.get("/stream")).headers


@pytest.mark.unhappy
async def test_another_origin_gets_no_permission(service: Service) -> None:
    app = service.install(make(), cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": "https://evil.example"}) as client:
        response = await client.get("/bind/1")
        preflight = await client.options(
            "/bind/1", headers={"access-control-request-method": "GET"}
        )
    assert "access-control-allow-origin" not in response.headers
    assert preflight.status_code == 400


@pytest.mark.unhappy
async def test_without_origins_there_is_no_cors(service: Service) -> None:
    app = service.install(make())
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        assert "access-control-allow-origin" not in (await client.get("/bind/1")).headers


@pytest.mark.unhappy
async def test_a_web_page_can_read_a_500(service: Service) -> None:
    app = service.install(make(), cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        response = await client.get("/bug")
    assert response.status_code == 500
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.unhappy
async def test_ready_turns_503_when_the_process_is_told_to_end(service: Service) -> None:
    app = service.install(make())
    async with service.client(app) as client:
        assert (await client.get("/health/ready")).status_code == 200
        app.state.health.begin_shutdown()
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()["status"]) == (503, "shutting_down")
        assert response.headers["cache-control"] == "no-store"
        assert (await client.get("/health/live")).status_code == 200


@pytest.mark.unhappy
async def test_ready_never_tells_why(service: Service) -> None:
    async def broken() -> None:
        raise ConnectionError("canary")

    app = service.install(make(), checks={"database": broken})
    async with service.client(app) as client:
        response = await client.get("/health/ready")
    assert response.json() == {"status": "failed", "checks": {"database": "failed"}}
    assert "canary" not in response.text


@pytest.mark.unhappy
async def test_health_takes_no_other_method(service: Service) -> None:
    app = service.install(make())
    async with service.client(app) as client:
        assert (await client.post("/health/ready")).status_code == 405


@pytest.mark.unhappy
async def test_an_application_mounted_in_another_adds_no_second_record(service: Service) -> None:
    inner, outer = make(), FastAPI()
    service.install(inner)
    outer.mount("/inner", inner)
    service.install(outer)
    async with service.client(outer) as client:
        response = await client.get("/inner/bug")
    assert response.json()["code"] == "internal_error"
    assert [record["level"] for record in service.records()] == ["info", "error"]
    assert service.routes() == ["/inner/bug"]


@pytest.mark.unhappy
async def test_an_exception_in_background_work_has_one_error_record(service: Service) -> None:
    app = FastAPI()

    @app.get("/")
    async def root(background: BackgroundTasks) -> int:
        background.add_task(fail)
        return 1

    async def fail() -> None:
        raise ValueError("late")

    service.install(app)
    async with service.client(app) as client:
        assert (await client.get("/")).status_code == 200
    access, failed = service.records()
    assert failed["request_id"] == access["request_id"]
    assert "error.type" not in access


@pytest.mark.unhappy
@pytest.mark.parametrize("path", ["/stream", "/bug", "/bind/1", "/nowhere", "/docs"])
async def test_the_context_is_gone_after_every_request(service: Service, path: str) -> None:
    from bedplate.context import current_context

    app = service.install(make())
    async with service.client(app) as client:
        await client.get(path)
    assert current_context() is None
    assert len(service.records("request")) == 1


@pytest.mark.unhappy
async def test_a_method_that_no_page_may_use_is_refused_before_it_is_sent(service: Service) -> None:
    app = service.install(make(), cors_origins=(ORIGIN,))
    async with service.client(app, headers={"origin": ORIGIN}) as client:
        preflight = await client.options(
            "/bind/1", headers={"access-control-request-method": "TRACE"}
        )
    assert preflight.status_code == 400


@pytest.mark.unhappy
async def test_a_probe_that_does_not_exist_is_an_ordinary_404(service: Service) -> None:
    app = service.install(make())
    async with service.client(app) as client:
        response = await client.get("/health/deep")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.unhappy
async def test_one_failing_check_does_not_hide_the_others(service: Service) -> None:
    async def fine() -> None:
        return None

    async def broken() -> None:
        raise ConnectionError

    app = service.install(make(), checks={"database": fine, "cache": broken})
    async with service.client(app) as client:
        response = await client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "cache": "failed"}
