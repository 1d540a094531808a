"""Probes are answered before the framework: its middleware is not asked, the service's routes are."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bedplate.health import Health
from bedplate.integrations import fastapi, starlette

from .conftest import Service

FRAMEWORKS = [(FastAPI, fastapi.install), (Starlette, starlette.install)]


class Broken:
    """The application's own middleware, at fault."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise RuntimeError("broken")
        await self.app(scope, receive, send)


async def own(_request: Request) -> Response:
    return PlainTextResponse("own")


@pytest.mark.parametrize(("kind", "install"), FRAMEWORKS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_probe_answers_though_middleware_is_at_fault(
    service: Service, kind: type[Starlette], install: Callable[..., Health], method: str
) -> None:
    app = service.install(kind(), install=install)
    app.add_middleware(Broken)
    async with service.client(app) as client:
        answer = await client.request(method, "/health/live")
        other = await client.get("/other")
    assert (answer.status_code, other.status_code) == (200, 500)
    assert bool(answer.content) is (method == "GET")
    assert service.routes() == ["/health/live", "unmatched"]


@pytest.mark.unhappy
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
async def test_another_method_is_refused_as_of_every_route(service: Service, method: str) -> None:
    async with service.client(service.install(FastAPI())) as client:
        answer = await client.request(method, "/health/live")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.unhappy
@pytest.mark.parametrize("how", ["route", "mount", "router"])
async def test_a_route_of_the_service_that_was_there_before_answers(
    service: Service, how: str
) -> None:
    app = FastAPI()
    if how == "route":
        app.router.routes.append(Route("/health/{name}", own))
    elif how == "mount":
        app.router.routes.append(Mount("/health", routes=[Route("/live", own)]))
    else:
        router = APIRouter(prefix="/health")
        router.add_api_route("/live", own, response_model=None)
        app.include_router(router)
    async with service.client(service.install(app)) as client:
        assert (await client.get("/health/live")).text == "own"
        ready = await client.get("/health/ready")
    assert (ready.text == "own") is (how == "route")


@pytest.mark.unhappy
async def test_below_a_path_the_framework_finds_it(service: Service) -> None:
    outer = Starlette(routes=[Mount("/below", app=service.install(FastAPI()))])
    async with service.client(outer) as client:
        assert (await client.get("/below/health/live")).status_code == 200
        assert (await client.get("/below/health/lively")).status_code == 404
        assert (await client.get("/health/live")).status_code == 404
