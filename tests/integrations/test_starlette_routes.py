"""Route templates where the scope tells little."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router

from bedplate.asgi.types import Scope
from bedplate.integrations._starlette_routes import route_resolver


async def plain(_request: Request) -> Response:
    return PlainTextResponse("plain")


async def resolve(path: str, routes: list[BaseRoute]) -> str | None:
    """Send a request through Starlette and name its route, as the layer does."""
    app = Starlette(routes=routes)
    scope: Scope = {
        "type": "http", "method": "GET", "path": path, "headers": [(b"host", b"api.example")], "query_string": b"",
        "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(_message: object) -> None:
        return None

    await app(scope, receive, send)
    return route_resolver(app)(scope)


async def test_starlettes_routes_and_mounts() -> None:
    routes: list[BaseRoute] = [Route("/a/{b}", plain), Mount("/m/{n}", routes=[Route("/o", plain)])]
    assert await resolve("/a/1", routes) == "/a/{b}"
    assert await resolve("/m/1/o", routes) == "/m/{n}/o"


async def test_a_mount_at_the_root_adds_nothing() -> None:
    routes: list[BaseRoute] = [Mount("", routes=[Mount("/m/{n}", routes=[Route("/o", plain)])])]
    assert await resolve("/m/1/o", routes) == "/m/{n}/o"


@pytest.mark.unhappy
async def test_a_mount_whose_routes_are_hidden_keeps_the_values_out_of_the_label() -> None:
    class Hiding:
        def __init__(self) -> None:
            self.router = Router([Mount("/{secret}", routes=[Route("/o", plain)])])

        async def __call__(self, scope: Scope, receive: object, send: object) -> None:
            await self.router(scope, receive, send)  # type: ignore[arg-type]

    routes: list[BaseRoute] = [Mount("/m", app=Hiding())]
    # the second before Starlette 1.8, which does not tell the route
    assert await resolve("/m/value/o", routes) in {"/{mount}/o", "/m/{path}"}


@pytest.mark.unhappy
async def test_nothing_matched_is_no_template() -> None:
    assert await resolve("/nowhere", [Route("/a", plain)]) is None


@pytest.mark.unhappy
async def test_a_host_without_a_match_is_no_template() -> None:
    assert (
        await resolve("/nowhere", [Host("api.example", app=Router([Route("/a", plain)]))]) is None
    )


@pytest.mark.unhappy
async def test_a_host_with_a_match_has_the_routes_template() -> None:
    assert await resolve("/a", [Host("api.example", app=Router([Route("/a", plain)]))]) == "/a"
