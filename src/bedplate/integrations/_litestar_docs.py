"""/openapi.json and /docs of a Litestar application, out of its handlers."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import File
from litestar.routes import HTTPRoute
from litestar.utils.helpers import unwrap_partial

from bedplate.integrations._docs import ASSETS, FILES, POLICY, assets_folder, docs_page
from bedplate.integrations._litestar_arguments import handler_arguments
from bedplate.integrations._litestar_declarations import BearerToken
from bedplate.integrations._openapi import openapi_document
from bedplate.integrations._operations import Operation

type Protection = Callable[[dict[str, Any]], None]


def serve_docs(app: Litestar, *, title: str, version: str, protection: Protection) -> None:
    """Serve the document and the page.

    Args:
        app: its handlers are documented, but for those with ``include_in_schema=False``.
        title: the API's name.
        version: the API's version.
        protection: adds to the document what limits and idempotency keys may be answered.

    Raises:
        MissingExtraError: the package with the page's assets is not installed.
    """
    folder = assets_folder("litestar")

    @cache
    def document() -> dict[str, Any]:
        operations = list(_operations(app))
        made = openapi_document(operations, title=title, version=version)
        protection(made)
        return made

    @get("/openapi.json", include_in_schema=False, sync_to_thread=False)
    def openapi() -> dict[str, Any]:
        return document()

    @get("/docs", include_in_schema=False, sync_to_thread=False, media_type=MediaType.HTML)
    def docs(request: Request[Any, Any, Any]) -> Response[str]:
        page = docs_page(title, str(request.scope.get("root_path", "")).rstrip("/"))
        headers = {"content-security-policy": POLICY}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    for handler in (openapi, docs, *(_asset(folder / name, FILES[name]) for name in FILES)):
        app.register(handler)


def _asset(path: Path, media_type: str) -> HTTPRouteHandler:
    @get(f"{ASSETS}/{path.name}", include_in_schema=False, media_type=media_type)
    async def asset() -> File:
        return File(path, content_disposition_type="inline")

    return asset


def _operations(app: Litestar) -> Iterator[Operation]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield _operation(str(method), route, handler)


def _operation(method: str, route: HTTPRoute, handler: HTTPRouteHandler) -> Operation:
    return Operation(
        method=method,
        path=route.path_format,
        function=unwrap_partial(handler.fn),
        arguments=handler_arguments(handler, route),
        returns=handler.parsed_fn_signature.return_type.annotation,
        status=handler.status_code,
        errors=tuple(handler.responses or ()),
        tags=tuple(handler.resolve_tags()),
        token_url=_token_url(handler),
    )


def _token_url(handler: HTTPRouteHandler) -> str | None:
    """Find out whether a handler needs a token, by whichever of its dependencies."""
    dependencies = handler.resolve_dependencies()
    waiting = set(handler.parsed_fn_signature.parameters) & set(dependencies)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        provide = dependencies[name]
        if isinstance(provide, BearerToken):
            return provide.token_url
        waiting |= set(provide.parsed_fn_signature.parameters) & set(dependencies) - seen
    return None
