"""FastAPI's own telemetry (since 0.142), so that no request is counted twice."""

from collections.abc import Callable

from starlette.applications import Starlette

from bedplate.asgi.types import Scope
from bedplate.logging import get_logger

_log = get_logger("bedplate.metrics")


def measures_by_itself(app: Starlette) -> Callable[[Scope], bool]:
    """Build the function that tells whether FastAPI measures a request already.

    It does so where a meter provider is configured for OpenTelemetry, unless it was made with
    ``telemetry={"metrics": False}``; it leaves a trace of each request that it watches in the
    scope. Of another application the answer is always no.
    """
    told = False

    def measures(scope: Scope) -> bool:
        nonlocal told
        if scope.get("fastapi.telemetry") is None or scope["type"] != "http":
            return False
        telemetry = getattr(app, "_native_telemetry", None)
        if getattr(telemetry, "_duration", None) is None:  # it makes spans or logs only
            return False
        if not told:
            told = True
            _log.info("FastAPI measures requests itself; the rest is measured here")
        return True

    return measures
