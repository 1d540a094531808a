"""/docs that loads nothing from other hosts."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bedplate._extras import missing_extra

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; connect-src *; "
    "frame-ancestors 'none'"
)
_ASSETS = "/docs-assets"


def _assets_folder() -> Path:
    try:
        import fastapi_offline
    except ImportError as error:
        raise missing_extra("fastapi", "fastapi-offline") from error
    return Path(fastapi_offline.__file__).parent / "static"


def remove_docs(app: FastAPI) -> None:
    """Serve neither the pages nor the schema."""
    _remove(app, app.docs_url, app.redoc_url, app.openapi_url, app.swagger_ui_oauth2_redirect_url)


def serve_docs_offline(app: FastAPI) -> None:
    """Put pages whose scripts, styles and pictures are our own in the place of FastAPI's.

    Args:
        app: pages that it does not have (``docs_url=None``) stay away.

    Raises:
        MissingExtraError: the package with the assets is not installed.
    """
    if not app.openapi_url or not (app.docs_url or app.redoc_url):
        return
    folder = _assets_folder()
    openapi_url, redirect_url = app.openapi_url, app.swagger_ui_oauth2_redirect_url

    async def swagger_ui_html(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=root + openapi_url,
            title=f"{app.title} - Swagger UI",
            swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_ASSETS}/favicon.png",
            oauth2_redirect_url=root + redirect_url if redirect_url else None,
            init_oauth=app.swagger_ui_init_oauth,
            # null: else the schema's address is sent to a validator on another host
            swagger_ui_parameters={**(app.swagger_ui_parameters or {}), "validatorUrl": None},
        )
        return _guarded(page)

    async def redoc_html(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_redoc_html(
            openapi_url=root + openapi_url,
            title=f"{app.title} - ReDoc",
            redoc_js_url=f"{root}{_ASSETS}/redoc.standalone.js",
            redoc_favicon_url=f"{root}{_ASSETS}/favicon.png",
            with_google_fonts=False,
        )
        return _guarded(page)

    _remove(app, app.docs_url, app.redoc_url)
    for url, endpoint in ((app.docs_url, swagger_ui_html), (app.redoc_url, redoc_html)):
        if url:
            app.router.routes.append(Route(url, endpoint, include_in_schema=False))
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs-assets")


def _guarded(page: HTMLResponse) -> HTMLResponse:
    page.headers["content-security-policy"] = _POLICY
    return page


def _remove(app: FastAPI, *urls: str | None) -> None:
    gone = {url for url in urls if url}
    kept = [route for route in app.router.routes if getattr(route, "path", None) not in gone]
    app.router.routes[:] = kept
