"""What is measured of requests and websockets."""

from collections.abc import Callable

from bedplate.asgi.access_log import UNMATCHED
from bedplate.asgi.types import Scope
from bedplate.metrics.instruments import Backend, Description

OTHER_METHOD = "_OTHER"
"""Every method that HTTP does not define: one label (semantic conventions for HTTP)."""

CLIENT_GONE = "ClientDisconnect"
"""The error type of an answer that nobody waited for."""

NO_RESPONSE = "NoResponse"
"""The error type of an application that returned without an answer."""

# RFC 9110 section 9, RFC 5789, and QUERY, as the semantic conventions list them
_METHODS = {
    name: (name,)
    for name in (
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
    )
}  # fmt: skip
_OTHER = (OTHER_METHOD,)
_REQUEST_BOUNDS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
_WEBSOCKET_BOUNDS = (0.1, 1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_SERVER_ERROR = 500


def nobody_else(_scope: Scope) -> bool:
    """Say that no other instrumentation measures a request."""
    return False


def method_label(method: str) -> str:
    """Give a method of HTTP as it is, and one label for all others."""
    return _METHODS.get(method, _OTHER)[0]


class RequestMetrics:
    """Duration, number in flight, route, status and error of each request.

    Args:
        backend: keeps the numbers.
        elsewhere: tells that another instrumentation measures a request already, so that it is
            not counted twice; asked once for each request.
    """

    def __init__(
        self, backend: Backend, *, elsewhere: Callable[[Scope], bool] = nobody_else
    ) -> None:
        self._elsewhere = None if elsewhere is nobody_else else elsewhere
        duration = backend.histogram(
            Description(
                name="http.server.request.duration",
                text="Duration of HTTP server requests.",
                unit="s",
                labels=(
                    "http.request.method", "http.route", "http.response.status_code", "error.type",
                ),
            ),
            _REQUEST_BOUNDS,
        )  # fmt: skip
        active = backend.gauge(
            Description(
                name="http.server.active_requests",
                text="Number of HTTP requests in flight.",
                unit="{request}",
                labels=("http.request.method",),
            )
        )
        websocket_duration = backend.histogram(
            Description(
                name="websocket.server.connection.duration",
                text="Duration of websockets, from the request until they are closed.",
                unit="s",
                labels=("http.route", "http.response.status_code", "error.type"),
            ),
            _WEBSOCKET_BOUNDS,
        )
        active_websockets = backend.gauge(
            Description(
                name="websocket.server.active_connections",
                text="Number of websockets that are open or being opened.",
                unit="{connection}",
            )
        )
        # bound once: they are called for every request
        self._record, self._count = duration.record, active.add
        self._record_websocket = websocket_duration.record
        self._count_websocket = active_websockets.add

    def begin(self, scope: Scope) -> tuple[str] | None:
        """Count a request as in flight.

        Returns:
            The label of its method, which ``end`` takes; None if it is measured elsewhere.
        """
        if self._elsewhere is not None and self._elsewhere(scope):
            return None
        method = _METHODS.get(scope["method"], _OTHER)
        self._count(1, method)
        return method

    def end(
        self, method: tuple[str], route: str | None, status: int, error: str | None, seconds: float
    ) -> None:
        """Record a request that is over.

        Args:
            method: what ``begin`` gave.
            route: the template of the route that took it, or None.
            status: what was sent, or 0 if nothing was.
            error: the type of what went wrong, or None.
            seconds: from its beginning to the last byte of the answer.
        """
        if error is None and status >= _SERVER_ERROR:
            error = str(status)
        # in flight until it is recorded: a scrape between the two may not miss it
        self._record(seconds, (*method, route or UNMATCHED, status or None, error))
        self._count(-1, method)

    def begin_websocket(self) -> None:
        """Count a websocket as open."""
        self._count_websocket(1, ())

    def end_websocket(
        self, route: str | None, status: int, error: str | None, seconds: float
    ) -> None:
        """Record a websocket that is closed; the arguments are those of ``end``."""
        self._record_websocket(seconds, (route or UNMATCHED, status, error))
        self._count_websocket(-1, ())
