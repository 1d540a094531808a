"""Rows that come with a statement: as arrays of columns, or as VALUES where a type needs them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    ColumnElement,
    Dialect,
    Enum,
    FromClause,
    String,
    TypeDecorator,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    values,
)
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import GenericTypeCompiler
from sqlalchemy.types import ARRAY, CHAR, TypeEngine, UserDefinedType

from bedplate.repositories.keys import mapper_of

__all__ = [
    "NUMBER",
    "Table",
    "array",
    "arrays",
    "columns_of",
    "holds_expressions",
    "in_order",
    "in_values",
    "key_names",
    "numbered_arrays",
    "same_attributes",
    "tables",
    "unnested",
    "wrapped_in_sql",
]

type Row = Mapping[str, object]

NUMBER = "number"
"""The column that counts incoming rows from 1."""

_NAME = "bedplate_new"
_VALUE = "value_{}"
_PARAMETER = "bedplate_rows_{}"
# Fewer than asyncpg's 32,767 parameters of a statement.
_MOST_PARAMETERS = 30_000
_JUDGE = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


class Table(NamedTuple):
    """Incoming rows as a statement reads them."""

    source: FromClause
    values: tuple[ColumnElement[Any], ...]
    parameters: Mapping[str, Any]
    number: ColumnElement[int]


def tables(columns: tuple[Column[Any], ...], by_column: Sequence[Sequence[Any]]) -> Iterator[Table]:
    """Give incoming rows in as few tables as they fit into; one unless a type needs VALUES.

    Args:
        columns: the columns that the values are for.
        by_column: the values of each column.
    """
    if in_values(columns):
        size = max(1, _MOST_PARAMETERS // (len(columns) + 1))
        rows = list(zip(*by_column, strict=True))
        for start in range(0, len(rows), size):
            yield _listed(columns, rows[start : start + size], start)
    else:
        yield numbered_arrays(columns, by_column)


def numbered_arrays(columns: tuple[Column[Any], ...], by_column: Sequence[Sequence[Any]]) -> Table:
    """Give incoming rows as one array for each column.

    Args:
        columns: the columns that the values are for; ``in_values`` is false for them.
        by_column: the values of each column.
    """
    return _numbered(unnested(columns), len(columns), arrays(by_column))


def in_order(table: Table, width: int) -> Table:
    """Give incoming rows in the order of their first columns.

    A server reads neighbours for less, and two callers that lock the same rows wait for each other
    at the first, not crosswise.

    Args:
        table: the rows.
        width: how many columns.
    """
    rows = select(*table.source.c).order_by(*table.values[:width]).subquery(_NAME)
    return table._replace(
        source=rows,
        values=tuple(rows.c[value.key] for value in table.values if value.key),
        number=rows.c[NUMBER],
    )


def arrays(by_column: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Give the parameters for ``unnested``."""
    return {_PARAMETER.format(i): list(given) for i, given in enumerate(by_column)}


@lru_cache(1024)
def unnested(columns: tuple[Column[Any], ...]) -> FromClause:
    """Give the rows of arrays, one for each column, as a table that is made once."""
    bound = [array(_PARAMETER.format(i), item.type) for i, item in enumerate(columns)]
    named = [column(_VALUE.format(i), item.type) for i, item in enumerate(columns)]
    rows = func.unnest(*bound).table_valued(*named, with_ordinality=NUMBER)
    return rows.render_derived(name=_NAME)


def array(name: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give a parameter that holds many values of a type."""
    return cast(bindparam(name, type_=_Array(kind)), _Array(kind))


def _listed(columns: tuple[Column[Any], ...], rows: Sequence[Sequence[Any]], start: int) -> Table:
    named = [column(_VALUE.format(i), item.type) for i, item in enumerate(columns)]
    cells: list[Callable[[Any], Any]] = [_cell(item.type) for item in columns]
    listed = values(*named, column(NUMBER, BigInteger), name=_NAME).data(
        [
            (*(cell(value) for cell, value in zip(cells, row, strict=True)), literal(number))
            for number, row in enumerate(rows, start + 1)
        ]
    )
    return _numbered(listed, len(columns), {})


def _numbered(source: FromClause, width: int, parameters: Mapping[str, Any]) -> Table:
    named = tuple(source.c[_VALUE.format(i)] for i in range(width))
    return Table(source, named, parameters, source.c[NUMBER])


def _cell(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if kind.bind_expression(literal(None, kind)) is not None:
        return lambda value: literal(value, kind)
    return lambda value: cast(literal(value, kind), _Unbounded(kind))


@lru_cache(1024)
def in_values(columns: tuple[Column[Any], ...]) -> bool:
    """Tell whether a column's values are arrays themselves, or are wrapped in SQL."""
    return wrapped_in_sql(columns) or any(
        isinstance(_bare(item.type, _JUDGE), ARRAY | AbstractMultiRange) for item in columns
    )


@lru_cache(1024)
def wrapped_in_sql(columns: tuple[Column[Any], ...]) -> bool:
    """Tell whether a column's type makes SQL of its values."""
    return any(item.type.bind_expression(literal(None, item.type)) is not None for item in columns)


class _Unbounded(UserDefinedType[Any]):
    """A type without its length: a cast to ``varchar(5)`` would cut a value off, not refuse it."""

    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        self.item = item


class _Array(_Unbounded):
    """Many values of a type; each is processed as if it were sent by itself."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Give what makes the driver's values."""
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return None if process is None else lambda given: [process(value) for value in given]


@compiles(_Unbounded)
def _name_unbounded(kind: _Unbounded, compiler: GenericTypeCompiler, **options: str) -> str:
    bare = _bare(kind.item, compiler.dialect)
    if isinstance(bare, BIT):
        return "BIT VARYING"
    bounded = isinstance(bare, String) and (bare.length or isinstance(bare, CHAR))
    if bounded and not (isinstance(bare, Enum) and bare.native_enum):
        return "BPCHAR" if isinstance(bare, CHAR) else "TEXT"
    return str(compiler.process(bare, **options))


@compiles(_Array)
def _name_array(kind: _Array, compiler: GenericTypeCompiler, **options: str) -> str:
    return f"{_name_unbounded(kind, compiler, **options)}[]"


def _bare(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Give the database's type behind decorators and variants."""
    found = kind.dialect_impl(dialect)
    while isinstance(found, TypeDecorator):
        found = found.load_dialect_impl(dialect)
    return found


@lru_cache(1024)
def key_names(model: type[DeclarativeBase]) -> tuple[str, ...]:
    """Give the attributes of a model's primary key."""
    mapper = mapper_of(model)
    return tuple(mapper.get_property_by_column(item).key for item in mapper.primary_key)


def columns_of(
    model: type[DeclarativeBase], names: Sequence[str], *, asked_by: str
) -> tuple[Column[Any], ...]:
    """Give the columns of attributes.

    Raises:
        TypeError: when one is no column of the model, or is in another table of it.
    """
    mapper = mapper_of(model)
    unknown = [name for name in names if name not in mapper.columns]
    if unknown:
        raise TypeError(
            f"{asked_by}: {model.__name__} has no column {', '.join(map(repr, sorted(unknown)))}"
        )
    columns = tuple(mapper.columns[name] for name in names)
    table = mapper.primary_key[0].table
    if any(item.table is not table for item in columns):
        raise TypeError(f"{asked_by}: {model.__name__} is stored in more than one table")
    return columns


def same_attributes(rows: Sequence[Row], *, asked_by: str) -> tuple[str, ...]:
    """Give the attributes that all rows have.

    Raises:
        TypeError: when they differ.
    """
    names = rows[0].keys()
    # Rows are mostly made in one place, so that even the order is the same; that is seen sooner.
    if len(set(map(tuple, rows))) > 1 and any(row.keys() != names for row in rows):
        raise TypeError(f"{asked_by}: all rows need the same attributes")
    return tuple(names)


def holds_expressions(given: Iterable[Any]) -> bool:
    """Tell whether some values are expressions of SQL."""
    return any(
        issubclass(kind, ClauseElement) or hasattr(kind, "__clause_element__")
        for kind in set(map(type, given))
    )
