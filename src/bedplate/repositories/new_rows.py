"""New rows as they are sent: the values they are given, and the defaults that the ORM would add."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql import schema

from bedplate.repositories.incoming import columns_of
from bedplate.repositories.keys import mapper_of

__all__ = ["NewRows", "asks_for_context", "made_by_the_orm", "new_rows"]

type _Maker = Callable[[int], Sequence[Any]]
"""Makes the values of a column for a number of rows."""


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """What is sent for new rows that have the same attributes."""

    names: tuple[str, ...]
    makers: tuple[_Maker, ...]
    columns: tuple[Column[Any], ...]
    """Those of the names, then those of the makers."""

    computed: tuple[tuple[Column[Any], ColumnElement[Any]], ...]
    """Columns whose default is SQL."""

    key: tuple[int, ...] | None
    """Where the primary key is among the columns; None if the database makes some of it."""

    def by_column(self, rows: Sequence[Mapping[str, object]]) -> list[Sequence[Any]]:
        """Give the values of each column.

        Args:
            rows: values by attribute.
        """
        given: list[Sequence[Any]] = [list(map(itemgetter(name), rows)) for name in self.names]
        return given + [make(len(rows)) for make in self.makers]

    def keys(self, by_column: Sequence[Sequence[Any]]) -> list[Any] | None:
        """Give the keys of the rows; None if the database makes them."""
        if self.key is None:
            return None
        if len(self.key) == 1:
            return list(by_column[self.key[0]])
        return list(zip(*(by_column[place] for place in self.key), strict=True))


@lru_cache(1024)
def new_rows(
    model: type[DeclarativeBase], names: tuple[str, ...], *, asked_by: str
) -> NewRows | None:
    """Tell what is sent for rows with these attributes.

    Args:
        model: whose rows.
        names: the attributes they are given.
        asked_by: the method, for errors.

    Returns:
        None when only the ORM can tell: several tables, composite attributes, or a default that
        asks for the context of its statement.

    Raises:
        TypeError: when an attribute is no column of the model, or its version.
    """
    mapper = mapper_of(model)
    table = mapper.local_table
    composites = mapper.composites.keys()
    if (
        len(mapper.tables) > 1
        or not isinstance(table, Table)
        or not {*names}.isdisjoint(composites)
    ):
        _check(model, names, asked_by)
        return None
    given = columns_of(model, names, asked_by=asked_by)
    left = [column for column in table.columns if column not in given]
    makers, computed = _makers(left), _computed(left)
    if makers is None:
        return None
    makers |= made_by_the_orm(model, given, asked_by=asked_by)
    columns = (*given, *makers)
    keys = mapper.primary_key
    known = all(column in columns for column in keys)
    return NewRows(
        names=names,
        makers=tuple(makers.values()),
        columns=columns,
        computed=tuple(computed.items()),
        key=tuple(columns.index(column) for column in keys) if known else None,
    )


def made_by_the_orm(
    model: type[DeclarativeBase], given: Sequence[Column[Any]], *, asked_by: str
) -> dict[Column[Any], _Maker]:
    """Give what the ORM adds to a row: its version, and its class where several share a table.

    Raises:
        TypeError: when the version is given.
    """
    mapper = mapper_of(model)
    version, kind = mapper.version_id_col, mapper.polymorphic_on
    if version is not None and version in given:
        raise TypeError(f"{asked_by}: the version counts itself up")
    makers: dict[Column[Any], _Maker] = {}
    if isinstance(version, Column) and mapper.version_id_generator:
        makers[version] = _each(mapper.version_id_generator)
    if isinstance(kind, Column) and kind not in given and mapper.polymorphic_identity is not None:
        makers[kind] = _always(mapper.polymorphic_identity)
    return makers


def _makers(columns: Sequence[Column[Any]]) -> dict[Column[Any], _Maker] | None:
    """Give the defaults that Python makes; None when one of them asks for its context."""
    makers: dict[Column[Any], _Maker] = {}
    for column in columns:
        default: Any = column.default
        if default is None or default.is_sentinel:
            continue
        if default.is_scalar:
            makers[column] = _always(default.arg)
        elif default.is_callable:
            if asks_for_context(default.arg):
                return None
            makers[column] = _each(default.arg)
    return makers


def _computed(columns: Sequence[Column[Any]]) -> dict[Column[Any], ColumnElement[Any]]:
    """Give the defaults that the database makes of an expression."""
    computed: dict[Column[Any], ColumnElement[Any]] = {}
    for column in columns:
        default: Any = column.default
        if default is not None and default.is_sequence:
            computed[column] = default.next_value()
        elif default is not None and default.is_clause_element:
            computed[column] = default.arg
    return computed


def _check(model: type[DeclarativeBase], names: Sequence[str], asked_by: str) -> None:
    mapper = mapper_of(model)
    unknown = {*names} - {*mapper.columns.keys(), *mapper.composites.keys()}
    if unknown:
        # The ORM would pass over them.
        columns_of(model, sorted(unknown), asked_by=asked_by)


def _always(value: object) -> _Maker:
    return lambda number: [value] * number


def _each(make: Callable[[Any], Any]) -> _Maker:
    return lambda number: [make(None) for _ in range(number)]


def asks_for_context(make: Callable[[Any], Any]) -> bool:
    """Tell whether it is the service's own: SQLAlchemy wraps those that take no argument."""
    return getattr(make, "__globals__", None) is not vars(schema)
