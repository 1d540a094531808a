"""What a row is made into instead of an entity: which columns it takes, and how it is made."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import DeclarativeBase, QueryableAttribute

from bedplate.repositories.keys import mapper_of

__all__ = ["Schema", "Shape", "shape_of_columns", "shape_of_schema"]


class _Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


type Schema = BaseModel | _Dataclass | tuple[Any, ...]
"""What a row can be made into: a pydantic model, a dataclass or a NamedTuple."""

_NO_SCHEMA = "{!r} is no pydantic model, dataclass or NamedTuple"

type _Rows = Iterable[Sequence[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape[S]:
    """Columns, and what their values are made into."""

    columns: tuple[Any, ...]
    make: Callable[[_Rows], list[S]]
    """Makes one of each row; a row begins with the values of these columns."""


def shape_of_schema[S: Schema](model: type[DeclarativeBase], schema: type[S]) -> Shape[S]:
    """Give the shape of a schema whose fields are attributes of the model.

    Raises:
        TypeError: when it is no schema, or has a field that is no column of the model.
    """
    given: Any = schema
    if not isinstance(given, type):
        raise TypeError(_NO_SCHEMA.format(given))
    return cast("Shape[S]", _shape_of_schema(model, given))


@lru_cache(1024)
def _shape_of_schema(model: type[DeclarativeBase], schema: type[Any]) -> Shape[Any]:
    names, make = _way_to_make(schema)
    return Shape(_columns(model, names, wanted_by=schema.__name__), make)


def shape_of_columns(
    model: type[DeclarativeBase], attributes: Sequence[Any]
) -> Shape[tuple[Any, ...]]:
    """Give the shape of plain tuples.

    Raises:
        TypeError: when there is no column, or one that is not the model's.
    """
    own = set(mapper_of(model).iterate_to_root())
    for attribute in attributes:
        if not (isinstance(attribute, QueryableAttribute) and attribute.parent in own):
            raise TypeError(f"select_columns takes attributes of {model.__name__} only")
    return _shape_of_names(model, tuple(attribute.key for attribute in attributes))


@lru_cache(1024)
def _shape_of_names(model: type[DeclarativeBase], names: tuple[str, ...]) -> Shape[tuple[Any, ...]]:
    # By name: a hybrid is another object each time, which no cache would know again.
    return Shape(_columns(model, names, wanted_by="select_columns"), _each(len(names), tuple))


def _columns(
    model: type[DeclarativeBase], names: Sequence[str], *, wanted_by: str
) -> tuple[Any, ...]:
    if not names:
        raise TypeError(f"{wanted_by} names no column of {model.__name__}")
    mapper = mapper_of(model)
    hybrids = {
        name
        for name, described in mapper.all_orm_descriptors.items()
        if described.extension_type is HybridExtensionType.HYBRID_PROPERTY
    }
    known = {*mapper.column_attrs.keys(), *hybrids}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise TypeError(
            f"{wanted_by} asks for {', '.join(unknown)}, but {model.__name__} has no such column"
        )
    return tuple(getattr(model, name) for name in names)


def _way_to_make(schema: type[Any]) -> tuple[Sequence[str], Callable[[_Rows], list[Any]]]:
    """Give the fields of a schema, and what makes one of each row."""
    if issubclass(schema, BaseModel):
        return list(schema.model_fields), _validated(schema)
    if dataclasses.is_dataclass(schema):
        parameters = inspect.signature(schema).parameters
        names = tuple(parameters)
        if any(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values()):
            return names, lambda rows: [
                schema(**dict(zip(names, row[: len(names)], strict=True))) for row in rows
            ]
        return names, _each(len(names), lambda values: schema(*values))
    if issubclass(schema, tuple) and hasattr(schema, "_fields"):
        return schema._fields, _each(len(schema._fields), lambda values: schema(*values))
    raise TypeError(_NO_SCHEMA.format(schema))


def _validated[S: BaseModel](schema: type[S]) -> Callable[[_Rows], list[S]]:
    """Make them by validation: ``model_construct`` takes as long, and any value for any type."""
    names = tuple(schema.model_fields)
    adapter = TypeAdapter(list[schema])  # type: ignore[valid-type]  # known only at run time

    def make(rows: _Rows) -> list[S]:
        values = [dict(zip(names, row[: len(names)], strict=True)) for row in rows]
        try:
            return adapter.validate_python(values, by_alias=False, by_name=True)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join([schema.__name__, *map(str, fault["loc"][1:])])
            # Its own message would show the row's values, also as a cause.
            raise TypeError(f"a row does not fit {place}: {fault['type']}") from None

    return make


def _each[S](width: int, make: Callable[[Sequence[Any]], S]) -> Callable[[_Rows], list[S]]:
    return lambda rows: [make(row[:width]) for row in rows]
