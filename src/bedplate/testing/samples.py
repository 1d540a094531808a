"""Rows of made-up values, for tests that need some row and do not care which."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import DeclarativeBase, Mapper
    from sqlalchemy.types import TypeEngine

    from bedplate.database import Database

_numbers = itertools.count(1)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


async def store_sample[M: DeclarativeBase](
    database: "Database", model: type[M], **values: object
) -> M:
    """Store a row of a model, and rows of others that it must refer to, and give it.

    What the model demands and nobody gives is made up, each time anew, so that nothing is there
    twice. What may be empty stays empty.

    Args:
        database: where to.
        model: of what.
        values: by attribute, what the test cares about.

    Raises:
        TypeError: when a value of a type is needed that cannot be made up.
        BedplateError: when the database refuses the row, as for a check of the model's own.
    """
    async with database.session() as session:
        row = await _store(session, model, values)
        await session.commit()
    return row


async def _store[M: DeclarativeBase](
    session: "AsyncSession", model: type[M], values: dict[str, object]
) -> M:
    from sqlalchemy import inspect

    mapper: Mapper[Any] = inspect(model)
    given = dict(values)
    for attribute in mapper.column_attrs:
        column: Any = attribute.columns[0]
        if attribute.key not in given and _is_needed(column):
            given[attribute.key] = await _make_up(session, mapper, column)
    row = model(**given)
    session.add(row)
    await session.flush()
    return row


def _is_needed(column: "Column[Any]") -> bool:
    filled = column.default or column.server_default or column.identity or column.computed
    counted = column.primary_key and column.autoincrement is True
    return not (column.nullable or filled is not None or counted)


async def _make_up(session: "AsyncSession", mapper: "Mapper[Any]", column: "Column[Any]") -> object:
    for key in column.foreign_keys:
        for other in mapper.registry.mappers:
            if other.local_table is key.column.table:
                row = await _store(session, other.class_, {})
                return getattr(row, other.get_property_by_column(key.column).key)
    return _value(column.name, column.type)


def _python_type(kind: "TypeEngine[Any]") -> type:
    """Give the type of a column's values; that of a decorated type is that of what it decorates."""
    from sqlalchemy import JSON
    from sqlalchemy.types import TypeDecorator

    if isinstance(kind, JSON):
        return dict
    try:
        python = kind.python_type
    except NotImplementedError:
        return object
    if python is object and isinstance(kind, TypeDecorator):
        return _python_type(kind.impl_instance)
    return python


def _amount(number: int, kind: "TypeEngine[Any]") -> Decimal:
    """Give an amount that has no more digits than the type takes, most of them behind the point."""
    digits: int | None = getattr(kind, "precision", None)
    places: int = getattr(kind, "scale", None) or 0
    return Decimal(number % 10**digits if digits else number).scaleb(-places)


def _value(name: str, kind: "TypeEngine[Any]") -> object:
    """Make up a value that no row has yet, as far as the type has so many."""
    number = next(_numbers)
    words = getattr(kind, "enums", None)
    if words:
        return words[0]
    python = _python_type(kind)
    text = f"{number} {uuid4().hex}"
    if python is str and "email" in name:
        text = f"{uuid4().hex}@example.com"
    made: dict[type, object] = {
        str: text[: getattr(kind, "length", None)],
        int: number,
        float: float(_amount(number, kind)),
        bool: True,
        Decimal: _amount(number, kind),
        bytes: text.encode(),
        date: (_EPOCH + timedelta(days=number)).date(),
        datetime: _EPOCH + timedelta(minutes=number),
        time: (_EPOCH + timedelta(seconds=number)).time(),
        timedelta: timedelta(seconds=number),
        dict: {},
        list: [],
    }
    if python in made:
        return made[python]
    if python.__name__ == "UUID":
        return uuid4()
    raise TypeError(f"{name} needs a {kind!r}, which cannot be made up: give one")
