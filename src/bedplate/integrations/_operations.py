"""What a route takes and gives, apart from the framework that serves it."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

type Place = Literal["path", "query", "form", "body"]

MISSING: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Argument:
    """One argument of a route's function that comes out of the request.

    Args:
        name: the parameter's.
        place: the part of the request that it comes from.
        annotation: what it is validated as; a model takes the whole query or form.
        default: what stands in for it when it is not sent; ``MISSING`` if it must be.

    Raises:
        PydanticSchemaGenerationError: pydantic knows no such type.
    """

    name: str
    place: Place
    annotation: Any
    default: Any = MISSING
    adapter: TypeAdapter[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(self.annotation))

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, if the argument is one."""
        kind = self.annotation
        return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None

    @property
    def location(self) -> tuple[str, ...]:
        """Where errors say that it is."""
        if self.place in {"body", "form"}:
            return ("body",)
        return (self.place,) if self.model else (self.place, self.name)


@dataclass(frozen=True)
class Operation:
    """One method of one path: what OpenAPI tells about it.

    Args:
        method: in capitals.
        path: the whole template, with ``{name}`` for each parameter.
        function: what answers; its name and docstring become the operation's.
        arguments: what it takes out of the request.
        returns: the type of what it gives.
        status: that of success.
        errors: the other statuses that it may answer with.
        tags: under which it is listed.
        token_url: where its bearer tokens come from; None if it asks for none.
    """

    method: str
    path: str
    function: Callable[..., Any]
    arguments: tuple[Argument, ...] = ()
    returns: Any = None
    status: int = 200
    errors: Collection[int] = ()
    tags: tuple[str, ...] = ()
    token_url: str | None = None


def takes_several(annotation: Any) -> bool:  # noqa: ANN401 - any type
    """Tell whether a type holds several values, so that a parameter may be sent several times."""
    origin = get_origin(annotation)
    if origin in {list, set, tuple, frozenset}:
        return True
    return origin is not None and any(takes_several(part) for part in get_args(annotation))
