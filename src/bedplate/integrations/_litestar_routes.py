"""The routes of a Litestar application."""

import re
from collections.abc import Iterator

from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute, WebSocketRoute

from bedplate.integrations.listing import ListedRoute

_TYPED = re.compile(r"{(\w+):\w+}")  # a parameter with its converter


def listed(app: Litestar) -> Iterator[ListedRoute]:
    """Give every route; OPTIONS, which Litestar answers by itself everywhere, is left out."""
    for route in app.routes:
        path = _TYPED.sub(r"{\1}", route.path_format) or "/"
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                methods = tuple(sorted(set(handler.http_methods) - {"OPTIONS"}))
                if methods:
                    yield ListedRoute(path, methods, handler.handler_name)
        elif isinstance(route, WebSocketRoute):
            yield ListedRoute(path, ("WS",), route.route_handler.handler_name)
        elif isinstance(route, ASGIRoute):
            yield ListedRoute(path, ("*",), route.route_handler.handler_name)
