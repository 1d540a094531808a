"""A listing as a client asks for it: declared sort and filters, checked and made into SQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from sqlalchemy import ColumnElement
from sqlalchemy.orm import DeclarativeBase

from bedplate.errors import InvalidDataError
from bedplate.pagination import CursorParams, PageParams
from bedplate.repositories.filters import Filter, filter_named
from bedplate.repositories.keys import mapper_of
from bedplate.repositories.ordering import Order, OrderBy, order_of

__all__ = ["Listing", "Sortable"]

type Sortable = Mapping[str, OrderBy | Sequence[OrderBy]]
"""What a client may sort by, by the name it uses; with a ``-`` before it the other way round."""

_ENCODER = json.JSONEncoder(sort_keys=True)
_NO_FILTERS = {*CursorParams.model_fields, *PageParams.model_fields, "sort"}


@dataclass(frozen=True, slots=True)
class Listing:
    """The conditions and the order that a request chose among those declared."""

    model: type[DeclarativeBase]
    order: Order
    conditions: list[ColumnElement[bool]]
    params: BaseModel

    @classmethod
    def of(
        cls,
        model: type[DeclarativeBase],
        params: BaseModel,
        sortable: Sortable,
        filterable: Mapping[str, Filter],
    ) -> "Listing":
        """Read the request.

        Raises:
            InvalidDataError: when it sorts by what is not declared.
            TypeError: when the class of the request has a field that is not declared.
        """
        conditions = []
        for name in _filters_of(type(params)):
            condition = filterable.get(name) or filter_named(model, name)
            if condition is None:
                raise TypeError(
                    f"{type(params).__name__}.{name} is neither declared in filterable nor named"
                    " after a column"
                )
            value = getattr(params, name)
            if value is not None:
                conditions.append(condition(value))
        sort = getattr(params, "sort", None)
        order = order_of(model, ()) if sort is None else _order(model, params, sort, sortable)
        return cls(model, order, conditions, params)

    def signature(self) -> bytes:
        """Name the listing: a cursor of it fits no other model, order or filter."""
        names = _filters_of(type(self.params))
        if not any(getattr(self.params, name) is not None for name in names):
            return _plain_signature(self.model, self.order, names)
        chosen = self.params.model_dump(mode="json", include={*names})
        filters = {
            name: sorted(value, key=repr) if isinstance(value, list) else value
            for name, value in chosen.items()
        }
        return _signature(self.model, self.order, _ENCODER.encode(filters))


@lru_cache(1024)
def _filters_of(kind: type[BaseModel]) -> tuple[str, ...]:
    """Give what a client may filter by in requests of a class."""
    return tuple(name for name in kind.model_fields if name not in _NO_FILTERS)


@lru_cache(1024)
def _plain_signature(model: type[DeclarativeBase], order: Order, names: tuple[str, ...]) -> bytes:
    """Name the listing that has these filters, where none of them was chosen."""
    return _signature(model, order, _ENCODER.encode(dict.fromkeys(names)) if names else "")


def _signature(model: type[DeclarativeBase], order: Order, filters: str) -> bytes:
    return json.dumps([str(model.__table__), order.description, filters]).encode()


def _order(model: type[DeclarativeBase], params: BaseModel, sort: str, sortable: Sortable) -> Order:
    name = sort.removeprefix("-")
    chosen = sortable.get(name)
    # A field that is any text declares nothing: the columns of the model are no client's choice.
    if chosen is None and sort in _declared(params) and name in mapper_of(model).column_attrs:
        chosen = getattr(model, name)
    if chosen is None:
        raise InvalidDataError("It cannot be sorted by this.", field="sort")
    order_by = tuple(chosen) if isinstance(chosen, Sequence) else (chosen,)
    return order_of(model, order_by, backward=sort.startswith("-"))


def _declared(params: BaseModel) -> Sequence[object]:
    """Give what the class of a request lets a client sort by: by ``sort_by``, or as a Literal."""
    field = type(params).model_fields["sort"]
    extra = field.json_schema_extra
    names = extra.get("enum") if isinstance(extra, dict) else None
    if isinstance(names, list):
        return names
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
