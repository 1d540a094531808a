"""The routes of an application, listed the same for every framework."""

from typing import Any

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from tests.integrations.frameworks import FRAMEWORKS, Framework

from bedplate.integrations.listing import ListedRoute, list_routes

EXPECTED = {
    ("/items/{number}/parts/{name}", ("GET",), "part"),
    ("/domain/{kind}", ("GET",), "domain"),
    ("/bug", ("GET",), "bug"),
    ("/teapot", ("GET",), "teapot"),
    ("/stream", ("GET",), "stream"),
    ("/echo", ("POST",), "echo"),
}


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
def test_every_route_is_listed_by_its_whole_path(framework: Framework) -> None:
    found = list_routes(framework.make())
    ours = {(route.path, route.methods, route.name) for route in found}
    assert ours >= EXPECTED
    assert [route.path for route in found] == sorted(route.path for route in found)


@pytest.mark.unhappy
def test_a_class_that_inherits_a_frameworks_is_read_like_it() -> None:
    class Service(fastapi.FastAPI):
        pass

    app = Service(openapi_url=None)
    inner = fastapi.APIRouter(prefix="/inner")
    inner.add_api_route("/{key}", part, methods=["PUT", "PATCH"])
    outer = fastapi.APIRouter(prefix="/outer")
    outer.include_router(inner)
    app.include_router(outer)
    assert list_routes(app) == [ListedRoute("/outer/inner/{key}", ("PATCH", "PUT"), "part")]


@pytest.mark.unhappy
def test_what_is_no_plain_route_is_listed_too() -> None:
    async def other(*_: Any) -> None:
        """An application of which nothing is known."""

    app = Starlette(
        routes=[
            Mount("/files", other, name="files"),
            Mount(
                "/sub", routes=[Route("/{id}", part), WebSocketRoute("/live", other, name="live")]
            ),
            Host("admin.example.com", Starlette(routes=[Route("/", part)])),
            Route("/head", part, methods=["HEAD"]),
        ]
    )
    assert [(route.path, route.methods) for route in list_routes(app)] == [
        ("/", ("GET",)),
        ("/files", ("*",)),
        ("/head", ("HEAD",)),
        ("/sub/live", ("WS",)),
        ("/sub/{id}", ("GET",)),
    ]


@pytest.mark.unhappy
@pytest.mark.parametrize("app", [object(), None, lambda scope, receive, send: None])
def test_another_kind_of_application_is_told(app: object) -> None:
    with pytest.raises(TypeError, match="is no FastAPI, Litestar or Starlette"):
        list_routes(app)


async def part(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("")
