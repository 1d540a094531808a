"""Typed routes of Starlette: what is declared, and what is no declaration."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from tests.integrations.conftest import Service

from bedplate.integrations.starlette import Body, Query, Routes, install


async def own_response(request: Request) -> Response:
    return PlainTextResponse(request.method)


def app_of(routes: Routes, service: Service, prefix: str = "") -> Starlette:
    app = Starlette(routes=[Mount(prefix, routes=list(routes))] if prefix else list(routes))
    return service.install(app, install=install)


async def test_a_response_of_ones_own_goes_out_as_it_is(service: Service) -> None:
    routes = Routes("/a")
    routes.route("PUT", "/b")(own_response)
    async with service.client(app_of(routes, service, "/m")) as client:
        assert (await client.put("/m/a/b")).text == "PUT"
        assert list((await client.get("/openapi.json")).json()["paths"]) == ["/m/a/b"]


@pytest.mark.unhappy
def test_a_parameter_that_says_nothing_of_its_source_is_refused_at_once() -> None:
    async def vague(item: dict[str, Any]) -> None: ...

    with pytest.raises(TypeError, match="item must be a Body"):
        Routes().get("/a")(vague)


@pytest.mark.unhappy
async def test_a_value_that_is_not_what_was_promised_is_a_bug(service: Service) -> None:
    async def liar(number: Query[int] = 1) -> int:
        return "many"  # type: ignore[return-value]

    routes = Routes()
    routes.get("/a")(liar)
    async with service.client(app_of(routes, service)) as client:
        assert (await client.get("/a")).status_code == 500


@pytest.mark.unhappy
async def test_a_body_of_several_faults_tells_all_of_them(service: Service) -> None:
    async def add(numbers: Body[list[int]]) -> int:
        return sum(numbers)

    routes = Routes()
    routes.post("/a")(add)
    async with service.client(app_of(routes, service)) as client:
        assert (await client.post("/a", json=[1, 2])).json() == 3
        refused = await client.post("/a", json=["x", 1, None])
    assert [error["field"] for error in refused.json()["errors"]] == ["0", "2"]
