"""The template of the route in the access record, on Starlette and Litestar, whatever is nested in what."""

from typing import Any

import litestar
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from bedplate.integrations import litestar as on_litestar
from bedplate.integrations import starlette as on_starlette

from .conftest import Service


async def plain(_request: Request) -> Response:
    return PlainTextResponse("plain")


def starlette_app() -> Starlette:
    inner = Router([Route("/{item_id:int}", plain), Route("/", plain)])
    return Starlette(
        routes=[
            Route("/", plain),
            Mount("/api/v1", routes=[Mount("/items", app=inner)]),
            Mount("/tenants/{tenant}", routes=[Route("/direct/{x}", plain)]),
            Mount("/apps/{name}", app=Starlette(routes=[Mount("/deep/{y}", app=inner)])),
        ]
    )


def litestar_app() -> litestar.Litestar:
    @litestar.get("/")
    async def root() -> str:
        return "plain"

    @litestar.get(["/{item_id:int}", "/"])
    async def item() -> str:
        return "plain"

    @litestar.get("/direct/{x:str}")
    async def direct() -> str:
        return "plain"

    @litestar.asgi("/apps", is_mount=True, copy_scope=True)
    async def below(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("plain")(scope, receive, send)

    items = litestar.Router("/items", route_handlers=[item])
    return litestar.Litestar(
        [
            root,
            litestar.Router("/api/v1", route_handlers=[items]),
            litestar.Router("/tenants/{tenant:str}", route_handlers=[direct]),
            below,
        ],
        logging_config=None,
    )


STARLETTE = [
    ("/", "/"),
    ("/api/v1/items/5", "/api/v1/items/{item_id}"),
    ("/api/v1/items/", "/api/v1/items/"),
    ("/tenants/bob/direct/5", "/tenants/{tenant}/direct/{x}"),
    ("/apps/one/deep/two/7", "/apps/{name}/deep/{y}/{item_id}"),
]
LITESTAR = [
    ("/", "/"),
    ("/api/v1/items/5", "/api/v1/items/{item_id}"),
    ("/api/v1/items", "/api/v1/items"),
    ("/tenants/bob/direct/5", "/tenants/{tenant}/direct/{x}"),
    ("/apps/one/two", "/apps/{path}"),
]


@pytest.mark.parametrize(("path", "template"), STARLETTE)
async def test_starlettes_prefixes_and_mounts_are_part_of_the_template(
    service: Service, path: str, template: str
) -> None:
    app = service.install(starlette_app(), install=on_starlette.install)
    async with service.client(app) as client:
        assert (await client.get(path)).status_code == 200
    assert service.routes() == [template]


@pytest.mark.parametrize(("path", "template"), LITESTAR)
async def test_litestars_routers_and_mounts_are_part_of_the_template(
    service: Service, path: str, template: str
) -> None:
    app = service.install(litestar_app(), install=on_litestar.install)
    async with service.client(app) as client:
        assert (await client.get(path)).status_code == 200
    assert service.routes() == [template]


@pytest.mark.unhappy
async def test_what_no_route_of_starlette_takes_is_one_label(service: Service) -> None:
    app = service.install(starlette_app(), install=on_starlette.install)
    async with service.client(app) as client:
        for path in ("/nowhere", "/api/v2/items/5", "/%2e%2e/x"):
            assert (await client.get(path)).status_code == 404
    assert set(service.routes()) == {"unmatched"}


@pytest.mark.unhappy
async def test_what_no_route_of_litestar_takes_is_one_label(service: Service) -> None:
    app = service.install(litestar_app(), install=on_litestar.install)
    async with service.client(app) as client:
        for path in ("/nowhere", "/api/v2/items/5", "/tenants/bob/nothing"):
            assert (await client.get(path)).status_code == 404
    assert set(service.routes()) == {"unmatched"}


@pytest.mark.unhappy
async def test_a_method_that_starlette_does_not_allow_has_the_routes_template(
    service: Service,
) -> None:
    app = service.install(starlette_app(), install=on_starlette.install)
    async with service.client(app) as client:
        assert (await client.delete("/tenants/bob/direct/5")).status_code == 405
    assert service.routes() == ["/tenants/{tenant}/direct/{x}"]


@pytest.mark.unhappy
async def test_a_method_that_litestar_does_not_allow_shows_no_value_of_the_path(
    service: Service,
) -> None:
    app = service.install(litestar_app(), install=on_litestar.install)
    async with service.client(app) as client:
        assert (await client.delete("/tenants/bob/direct/5")).status_code == 405
    assert "bob" not in service.routes()[0]
