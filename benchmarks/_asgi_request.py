"""The application that every contender wraps, and requests as a server hands them over."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_HEADERS = [
    (b"host", b"api.example"),
    (b"user-agent", b"benchmark/1.0"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
]


async def item(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["item_id"], "name": "a thing"})


def application() -> Starlette:
    """Make a Starlette application with one route."""
    return Starlette(routes=[Route("/api/v1/items/{item_id}", item)])


def scopes(count: int) -> Sequence[dict[str, Any]]:
    """Give requests for so many items, each another one."""
    return [_scope(f"/api/v1/items/{uuid4().hex}") for _ in range(count)]


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": _HEADERS,
        "client": ("203.0.113.7", 50000),
        "server": ("127.0.0.1", 8000),
    }


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_message: object) -> None:
    return None
