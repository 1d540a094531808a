"""A new entity by one INSERT, where a flush would send no more than that.

A flush looks for whatever else there is to send, and in which order; for a single new row that takes
longer than sending it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Column, Connection, Executable, Insert, Table, event, inspect
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstanceState, Mapper, Session

from bedplate.database.sessions import DomainSession
from bedplate.repositories.detached import plain_attributes
from bedplate.repositories.incoming import holds_expressions
from bedplate.repositories.keys import mapper_of

__all__ = ["store"]

_OF_A_FLUSH = ("before_flush", "after_flush", "after_flush_postexec")


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where the entities of a model are stored."""

    mapper: Mapper[Any]
    table: Table
    columns: Mapping[str, Column[Any]]
    """By attribute."""
    with_none: frozenset[str]
    """Attributes whose None is a value of its own, as that of JSON is."""
    relationships: frozenset[str]


async def store(session: AsyncSession, entity: DeclarativeBase) -> None:
    """Store a new entity, and put into it what the database filled in. One statement.

    Whatever becomes of it, and of the transaction, the session is left as a flush leaves it.
    """
    place = _place(type(entity))
    if place is None or not _is_alone(session.sync_session, entity, place):
        session.add(entity)
        await session.flush()
        return
    await session.run_sync(_insert, entity, place)


def _insert(session: Session, entity: DeclarativeBase, place: _Place) -> None:
    connection = session.connection(bind_arguments={"mapper": place.mapper})
    session.add(entity)
    state: InstanceState[Any] = inspect(entity)
    try:
        _send(connection, state, place)
    except BaseException as error:
        _fail_to_flush(session, connection, error)
        raise
    session._register_persistent({state})  # what a flush ends with; there is no public name for it


def _send(connection: Connection, state: InstanceState[Any], place: _Place) -> None:
    mapper, attributes = place.mapper, state.dict
    mapper.dispatch.before_insert(mapper, connection, state)
    values = {name: attributes[name] for name in place.columns if attributes.get(name) is not None}
    if place.with_none:
        none = place.with_none.intersection(attributes).difference(values)
        values |= dict.fromkeys(none)
    expressions = {}
    if holds_expressions(values.values()):  # they become part of the text
        expressions = {name: value for name, value in values.items() if holds_expressions([value])}
        values = {name: value for name, value in values.items() if name not in expressions}
    statement, filled_in = _statement(place, tuple(values))
    if expressions:
        statement = statement.values(_by_column(place, expressions))
    row = connection.execute(statement, _by_column(place, values)).one_or_none()
    if row is None:
        raise RuntimeError("a trigger or a rule of the table kept the row from being stored")
    attributes.update(zip(filled_in, row, strict=True))
    mapper.dispatch.after_insert(mapper, connection, state)


def _by_column(place: _Place, values: Mapping[str, Any]) -> dict[str, Any]:
    return {place.columns[name].key: value for name, value in values.items()}


def _fail_to_flush(session: Session, connection: Connection, error: BaseException) -> None:
    """Let a flush fail by an error, before it sends the entity.

    Then nobody goes on, without a rollback, with a transaction that has lost its work.
    """

    def fail(_connection: Connection, statement: Executable, *_: object) -> None:
        if isinstance(statement, Insert):
            raise error

    event.listen(connection, "before_execute", fail)
    try:
        with suppress(Exception, type(error)):
            session.flush()
    finally:
        event.remove(connection, "before_execute", fail)


def _is_alone(session: Session, entity: DeclarativeBase, place: _Place) -> bool:
    """Tell whether a flush would send this entity alone, and nobody listens to flushes."""
    return (
        type(session) in {DomainSession, Session}
        and session._is_clean()
        and inspect(entity).transient
        and place.relationships.isdisjoint(vars(entity))
        and not any(getattr(session.dispatch, name) for name in _OF_A_FLUSH)
        and not place.mapper.class_manager.dispatch.refresh_flush
    )


@cache
def _place(model: type[DeclarativeBase]) -> _Place | None:
    """Give where entities are stored; None if it takes more than a row of their values."""
    attributes, mapper = plain_attributes(model), mapper_of(model)
    table = mapper.local_table
    if attributes is None or not isinstance(table, Table) or mapper.version_id_col is not None:
        return None
    columns = dict(zip(attributes, table.columns, strict=True))
    with_none = {name for name, column in columns.items() if column.type.should_evaluate_none}
    relationships = frozenset(mapper.relationships.keys())
    return _Place(mapper, table, columns, frozenset(with_none), relationships)


@lru_cache(1024)
def _statement(place: _Place, given: tuple[str, ...]) -> tuple[Insert, tuple[str, ...]]:
    """Give the statement for these attributes, and the other ones, whose values it gives back.

    Where all are given it is the key: what gives nothing back has stored nothing.
    """
    every = place.columns.items()
    back = {name: column for name, column in every if name not in given}
    back = back or {name: column for name, column in every if column.primary_key}
    return insert_into(place.table).returning(*back.values()), tuple(back)
