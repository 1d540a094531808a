"""/openapi.json and /docs of a Starlette application, out of its typed routes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from bedplate.integrations._docs import ASSETS, FILES, POLICY, assets_folder, docs_page
from bedplate.integrations._openapi import openapi_document
from bedplate.integrations._operations import Operation
from bedplate.integrations._starlette_typed import TypedRoute

type Protection = Callable[[dict[str, Any]], None]


def serve_docs(app: Starlette, *, title: str, version: str, protection: Protection) -> None:
    """Serve the document and the page; routes that are added later are in it too, until it is read.

    Args:
        app: its typed routes are documented, those below mounts included.
        title: the API's name.
        version: the API's version.
        protection: adds to the document what limits and idempotency keys may be answered.

    Raises:
        MissingExtraError: the package with the page's assets is not installed.
    """
    folder = assets_folder("starlette")

    @cache
    def document() -> dict[str, Any]:
        operations = list(_operations(app.routes, ""))
        made = openapi_document(operations, title=title, version=version)
        protection(made)
        return made

    async def openapi(_request: Request) -> Response:
        return JSONResponse(document())

    async def docs(request: Request) -> Response:
        page = docs_page(title, request.scope.get("root_path", "").rstrip("/"))
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            return Response(status_code=404)
        return FileResponse(folder / name, media_type=FILES[name])

    for path, endpoint in (
        ("/openapi.json", openapi),
        ("/docs", docs),
        (f"{ASSETS}/{{name}}", asset),
    ):
        app.router.routes.append(Route(path, endpoint, include_in_schema=False))


def _operations(routes: Iterable[BaseRoute], prefix: str) -> Iterator[Operation]:
    for route in routes:
        if isinstance(route, TypedRoute):
            yield replace(route.operation, path=prefix + route.operation.path)
        elif isinstance(route, Mount):
            below = prefix + route.path_format.removesuffix("/{path}")
            yield from _operations(route.routes or (), below)
