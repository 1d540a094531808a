"""Where a row stands in an order: told by the entity that was just made of it, if it surely tells."""

from functools import lru_cache

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase

from bedplate.repositories.keys import mapper_of
from bedplate.repositories.ordering import Order, column_of

__all__ = ["attributes_of"]


def attributes_of(model: type[DeclarativeBase], order: Order) -> tuple[str, ...] | None:
    """Give the attributes that hold the values of an order in an entity as it was loaded.

    Returns:
        None when there are none: the order is by an expression, an attribute is loaded later, or
        the service changes entities as they are loaded.
    """
    if mapper_of(model).class_manager.dispatch.load:
        return None
    return _attributes_of(model, order)


@lru_cache(1024)
def _attributes_of(model: type[DeclarativeBase], order: Order) -> tuple[str, ...] | None:
    mapper = mapper_of(model)
    try:
        found = [mapper.get_property_by_column(column_of(key.expression)) for key in order.keys]
    except InvalidRequestError:
        return None
    if any(attribute.deferred for attribute in found):
        return None
    return tuple(attribute.key for attribute in found)
