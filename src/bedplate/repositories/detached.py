"""An entity straight from its row, for what is read with every request: no session keeps track of it."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, Table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    ColumnProperty,
    DeclarativeBase,
    RelationshipProperty,
    Session,
    SynonymProperty,
    class_mapper,
    make_transient_to_detached,
)

from bedplate.database.direct import fetch
from bedplate.database.read_only import JoiningReadOnlySession, ReadOnlySession
from bedplate.repositories.rows import only

__all__ = ["attributes_of_row", "plain_attributes", "scalar_detached"]

_OWN_LISTENERS: dict[type[Session], int] = {ReadOnlySession: 0, JoiningReadOnlySession: 1}
_LOADED_WHEN_ASKED = {"raise", "raise_on_sql", "select", True}


def attributes_of_row(
    session: AsyncSession, model: type[DeclarativeBase]
) -> tuple[str, ...] | None:
    """Give what ``scalar_detached`` fills, if a session would give just that; else None.

    Args:
        session: it only reads, has read nothing yet, and nobody listens to its statements.
        model: a row of its one table is all of it.

    Returns:
        The attribute of each column of the table, in their order.
    """
    reading = session.sync_session
    listening = len(reading.dispatch.do_orm_execute)
    if listening != _OWN_LISTENERS.get(type(reading)) or reading.in_transaction():
        return None
    return plain_attributes(model)


async def scalar_detached[M: DeclarativeBase](
    session: AsyncSession,
    model: type[M],
    attributes: Sequence[str],
    statement: Select[Any],
    given: Mapping[str, object],
) -> M | None:
    """Read one entity by a statement of its own, without what a session does to keep track of it.

    Args:
        session: says where.
        model: of the entity.
        attributes: as ``attributes_of_row`` gives them.
        statement: selects all columns of the model's table, in their order.
        given: the statement's parameters.

    Returns:
        An entity that belongs to no session, or None if there is no row.

    Raises:
        sqlalchemy.exc.MultipleResultsFound: when there are several.
    """
    rows: Sequence[Sequence[Any]] | None = await fetch(session, statement, given)
    if rows is None:
        rows = await session.run_sync(_read, statement, given)
    if (row := only(rows)) is None:
        return None
    entity: M = class_mapper(model).class_manager.new_instance()
    vars(entity).update(zip(attributes, row, strict=True))
    make_transient_to_detached(entity)
    return entity


def _read(
    session: Session, statement: Select[Any], given: Mapping[str, object]
) -> Sequence[Row[Any]]:
    bind = session.get_bind()
    if isinstance(bind, Connection):
        with bind.begin_nested():  # an error is not to end the transaction it joins
            return bind.execute(statement, given).all()
    with bind.connect() as connection:
        return connection.execute(statement, given).all()


@cache
def plain_attributes(model: type[DeclarativeBase]) -> tuple[str, ...] | None:
    """Give the attribute of each column; None if loading the model is more than reading its row."""
    mapper = class_mapper(model)
    table = mapper.local_table
    if (
        not isinstance(table, Table)
        or mapper.inherits is not None
        or mapper.polymorphic_on is not None
        or mapper.class_manager.dispatch.load
        or not all(_is_plain(each, table) for each in mapper.attrs)
        or set(mapper.columns) != set(table.columns)
    ):
        return None
    return tuple(map(attrgetter("key"), map(mapper.get_property_by_column, table.columns)))


def _is_plain(attribute: object, table: Table) -> bool:
    if isinstance(attribute, RelationshipProperty):
        return attribute.lazy in _LOADED_WHEN_ASKED
    if isinstance(attribute, ColumnProperty):
        columns = attribute.columns
        return len(columns) == 1 and columns[0].table is table and not attribute.deferred
    return isinstance(attribute, SynonymProperty)
