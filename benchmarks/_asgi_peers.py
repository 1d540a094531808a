"""What others use for the same, set up as their documentation says."""

import logging
from time import perf_counter
from uuid import uuid4

from _asgi_request import application
from asgi_correlation_id import CorrelationIdMiddleware
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator
from pythonjsonlogger.json import JsonFormatter
from slowapi import Limiter
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_remote_address
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp


def asgi_correlation_id() -> ASGIApp:
    return CorrelationIdMiddleware(application())


def instrumentator() -> ASGIApp:
    return _instrumented(application())


def slowapi() -> ASGIApp:
    return _limited(SlowAPIMiddleware)


def slowapi_asgi() -> ASGIApp:
    return _limited(SlowAPIASGIMiddleware)


def three_base_http_middleware() -> ASGIApp:
    """What most tutorials end up with: a class for each thing, and the instrumentator."""
    app = application()
    for middleware in (SecurityHeaders, AccessLog, RequestId):
        app.add_middleware(middleware)
    return _instrumented(app)


def _instrumented(app: Starlette) -> ASGIApp:
    Instrumentator(registry=CollectorRegistry()).instrument(app)  # type: ignore[arg-type] # it asks for FastAPI, and takes Starlette
    return app


def _limited(middleware: type) -> ASGIApp:
    app = application()
    app.state.limiter = Limiter(get_remote_address, default_limits=["1000000000/minute"])
    app.add_middleware(middleware)
    return app


class RequestId(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        request.state.id = request.headers.get("x-request-id") or uuid4().hex
        response = await call_next(request)
        response.headers["x-request-id"] = request.state.id
        return response


class SecurityHeaders(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["x-frame-options"] = "DENY"
        response.headers["referrer-policy"] = "no-referrer"
        return response


class AccessLog(BaseHTTPMiddleware):
    log = logging.getLogger("tutorial.access")

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        began = perf_counter()
        response = await call_next(request)
        self.log.info(
            "request",
            extra={
                "method": request.method,
                "path": request.url.path,
                "status": response.status_code,
                "duration": perf_counter() - began,
                "request_id": request.state.id,
            },
        )
        return response


def json_logging(logger: logging.Logger, path: str) -> None:
    """Let a logger write JSON to a file, and nowhere else."""
    handler = logging.FileHandler(path)
    handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}", style="{"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
