"""The routes of an application, whatever framework it is made with."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

__all__ = ["ListedRoute", "list_routes"]

_READERS = {
    "fastapi": "bedplate.integrations._starlette_routes",
    "litestar": "bedplate.integrations._litestar_routes",
    "starlette": "bedplate.integrations._starlette_routes",
}


@dataclass(frozen=True, order=True, slots=True)
class ListedRoute:
    """One path and what it answers."""

    path: str
    """The whole template: ``/api/v1/users/{user_id}``."""
    methods: tuple[str, ...]
    """In capitals; ``WS`` for a websocket, ``*`` for an application that is mounted there."""
    name: str
    """Of the function."""


def list_routes(app: object) -> list[ListedRoute]:
    """List the routes of an application, by path.

    Args:
        app: made with FastAPI, Litestar or Starlette, or with a class of its own that inherits
            one of theirs.

    Raises:
        TypeError: it is made with something else.
    """
    for kind in type(app).__mro__:
        module = _READERS.get(kind.__module__.partition(".")[0])
        if module is not None:
            read = cast(
                "Callable[[Any], Iterable[ListedRoute]]", importlib.import_module(module).listed
            )
            return sorted(read(app))
    kind = type(app)
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no FastAPI, Litestar or Starlette")
