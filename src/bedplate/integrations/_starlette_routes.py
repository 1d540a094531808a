"""The template of the route that took a request, for Starlette and what is built on it."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from starlette.routing import BaseRoute, Host, Mount

from bedplate.asgi.operations import RouteResolver
from bedplate.asgi.types import Scope
from bedplate.integrations.listing import ListedRoute

_MOUNT_SUFFIX = "/{path}"
_UNKNOWN_MOUNT = "/{mount}"


class HasRoutes(Protocol):
    """Starlette, FastAPI, or a router."""

    @property
    def routes(self) -> list[BaseRoute]:
        """What requests are matched against."""
        ...


def route_resolver(app: HasRoutes) -> RouteResolver:
    """Build the function that names routes by their whole template, mounts and prefixes included.

    Args:
        app: the outermost application, whose routes the walk through mounts begins with.
    """

    def resolve(scope: Scope) -> str | None:
        if "fastapi" not in scope and "app_root_path" not in scope and "route" in scope:
            return getattr(scope["route"], "path_format", None)  # the common case on Starlette
        route = _matched(scope)
        root = scope.get("app_root_path", scope.get("root_path", ""))
        template = getattr(route, "path_format", None)
        if template is None or isinstance(route, Mount):
            path = scope["path"].removeprefix(root)
            return _by_endpoint(app.routes, path, scope.get("endpoint"))
        below = scope.get("root_path", "").removeprefix(root)
        if not below:
            return str(template)
        prefix = _mount_prefix(app.routes, below)
        return f"{_UNKNOWN_MOUNT if prefix is None else prefix}{template}"

    return resolve


def _matched(scope: Scope) -> Any:  # noqa: ANN401 - a route of any kind
    route = scope.get("route")
    # FastAPI >= 0.137 keeps included routers apart: there scope["route"] lacks the prefix, and what
    # has it is the effective context
    context = scope.get("fastapi", {}).get("effective_route_context")
    if context is None or (context.original_route is not route and hasattr(route, "path_format")):
        return route
    return _effective(context)


def _effective(context: Any) -> Any:  # noqa: ANN401 - private to FastAPI
    return context.starlette_route if context.starlette_route is not None else context


def _mount_prefix(routes: Iterable[BaseRoute], below: str) -> str | None:
    """Find the templates of the mounts that a request went through.

    Args:
        routes: where the request came in.
        below: the path that the mounts took from it, with values in place of parameters.
    """
    for mount in _flat(routes):
        if not isinstance(mount, Mount):
            continue
        match = mount.path_regex.match(f"{below}/")
        if match is None:
            continue
        taken = f"{below}/"[: -len(match["path"]) - 1]
        template = mount.path_format.removesuffix(_MOUNT_SUFFIX)
        if taken == below:
            return template
        deeper = _mount_prefix(mount.routes, below[len(taken) :])
        if deeper is not None:
            return template + deeper
    return None


def _by_endpoint(routes: Iterable[BaseRoute], path: str, endpoint: object) -> str | None:
    """Find the template of an endpoint whose route is not in the scope.

    FastAPI leaves out what is not its own kind of route: pages of the documentation, mounts. Starlette
    before 1.8 leaves out all.
    """
    if endpoint is None:
        return None
    for route in _flat(routes):
        if isinstance(route, Host):
            deeper = _by_endpoint(route.routes, path, endpoint)
            if deeper is not None:
                return deeper
            continue
        regex = getattr(route, "path_regex", None)
        match = regex.match(path) if regex is not None else None
        if match is None:
            continue
        if not isinstance(route, Mount):
            if getattr(route, "endpoint", None) is endpoint:
                return str(route.path_format)
            continue
        template = route.path_format.removesuffix(_MOUNT_SUFFIX)
        if route.app is endpoint or not route.routes:  # its own routes cannot be seen
            return template + _MOUNT_SUFFIX
        deeper = _by_endpoint(route.routes, f"/{match['path']}", endpoint)
        if deeper is not None:
            return template + deeper
    return None


def allowed_methods(routes: Iterable[BaseRoute], path: str) -> set[str]:
    """Give the methods that a path supports, by whichever of its routes.

    Args:
        routes: where the request came in.
        path: its path, without what a server took from it.
    """
    found: set[str] = set()
    for route in _flat(routes):
        regex = getattr(route, "path_regex", None)
        match = regex.match(path) if regex is not None else None
        if match is None:
            continue
        if isinstance(route, Mount):
            found |= allowed_methods(route.routes or (), f"/{match['path']}")
        else:
            found |= set(getattr(route, "methods", None) or ())
    return found


def listed(app: HasRoutes) -> Iterator[ListedRoute]:
    """Give every route of an application, those of mounted ones included; HEAD goes with GET."""
    return _listed(app.routes, "")


def _listed(routes: Iterable[BaseRoute], prefix: str) -> Iterator[ListedRoute]:
    for route in _flat(routes):
        path = prefix + str(getattr(route, "path_format", ""))
        if isinstance(route, Mount | Host):
            below = path.removesuffix(_MOUNT_SUFFIX)
            if route.routes:
                yield from _listed(route.routes, below)
            else:
                yield ListedRoute(below or "/", ("*",), route.name or type(route.app).__name__)
            continue
        methods = getattr(route, "methods", None)
        shown = tuple(sorted(set(methods) - {"HEAD"} or set(methods))) if methods else ("WS",)
        yield ListedRoute(path or "/", shown, str(route.name))


def _flat(routes: Iterable[BaseRoute]) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "effective_route_contexts"):  # a router that FastAPI included
            yield from map(_effective, route.effective_route_contexts())
        else:
            yield route
