"""Primary keys: which columns they are and how rows are found by them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, and_, any_, inspect, literal, tuple_
from sqlalchemy.orm import DeclarativeBase, Mapper

__all__ = ["has_key", "has_one_of_keys", "identity_of", "mapper_of", "primary_key"]


def mapper_of[M: DeclarativeBase](model: type[M]) -> Mapper[M]:
    """Give the mapper of a model."""
    return _mapper_of(model)


@lru_cache(1024)
def _mapper_of(model: type[Any]) -> Mapper[Any]:
    found: Mapper[Any] = inspect(model)
    return found


def primary_key(model: type[DeclarativeBase]) -> tuple[ColumnElement[Any], ...]:
    """Give the columns of a model's primary key."""
    return mapper_of(model).primary_key


@lru_cache(1024)
def _width(model: type[DeclarativeBase]) -> int:
    return len(primary_key(model))


def identity_of(model: type[DeclarativeBase], which: object) -> tuple[Any, ...]:
    """Give the values of a key.

    Args:
        model: the model.
        which: the value of the key, a tuple of values for a composite key, or an entity.

    Raises:
        TypeError: when the number of values is not the number of columns.
    """
    if isinstance(which, model):
        # The key it was stored under: after a rollback its attributes are not loaded.
        stored = inspect(which).identity
        values = stored or tuple(mapper_of(model).primary_key_from_instance(which))
    else:
        values = which if isinstance(which, tuple) else (which,)
    width = _width(model)
    if len(values) != width:
        raise TypeError(f"the key of {model.__name__} has {width} columns")
    return values


def has_key(model: type[DeclarativeBase], identity: tuple[Any, ...]) -> ColumnElement[bool]:
    """Give the condition that finds one row."""
    pairs = zip(primary_key(model), identity, strict=True)
    return and_(*(column == value for column, value in pairs))


def has_one_of_keys(
    model: type[DeclarativeBase], identities: Sequence[tuple[Any, ...]]
) -> ColumnElement[bool]:
    """Give the condition that finds many rows; one text of SQL for any number of them."""
    columns = primary_key(model)
    if len(columns) == 1:
        (column,) = columns
        values = [identity[0] for identity in identities]
        array = any_(literal(values, ARRAY(column.type)))
        return column == array
    return tuple_(*columns).in_(identities)
