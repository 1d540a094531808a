"""Statements that are made once: what SQLAlchemy knows again costs it next to nothing to send."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ClauseElement,
    ColumnElement,
    Delete,
    Integer,
    Select,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    delete,
    except_,
    exists,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.dml import ReturningDelete

from bedplate.repositories.forms import Maker
from bedplate.repositories.incoming import array
from bedplate.repositories.keys import mapper_of, primary_key

__all__ = [
    "KEYS",
    "LIMIT",
    "any_row",
    "bound",
    "changed_row",
    "deleted_row",
    "deleted_rows",
    "deleted_unseen",
    "first_row",
    "has_key_of",
    "is_its_table",
    "key_values",
    "narrowed",
    "number_of_rows",
    "one_row",
    "plain_key",
    "rows",
    "some_rows",
    "two_rows",
    "whether_any",
    "whether_any_seen",
]

# Names of parameters that no column and no condition of a service has.
_KEY = "bedplate_key_{}"
_NEW = "bedplate_new_{}"
LIMIT = "bedplate_limit"
KEYS = "bedplate_keys"

# In the text: parameters would have to be sent each time.
_ONE, _TWO = literal_column("1", Integer), literal_column("2", Integer)

_once = lru_cache(1024)


@_once
def rows(model: type[DeclarativeBase], columns: tuple[Any, ...]) -> Select[Any]:
    """Give all rows.

    Args:
        model: whose rows.
        columns: what is given of each: the model itself, or attributes of it.
    """
    return select(*columns).select_from(model)


@_once
def first_row(model: type[DeclarativeBase], columns: tuple[Any, ...]) -> Select[Any]:
    """Give at most one row."""
    return rows(model, columns).limit(_ONE)


@_once
def two_rows(model: type[DeclarativeBase], columns: tuple[Any, ...]) -> Select[Any]:
    """Give at most two rows: enough to see that there are several."""
    return rows(model, columns).limit(_TWO)


@_once
def some_rows(model: type[DeclarativeBase], columns: tuple[Any, ...]) -> Select[Any]:
    """Give LIMIT rows."""
    return rows(model, columns).limit(bindparam(LIMIT, type_=Integer))


@_once
def any_row(model: type[DeclarativeBase]) -> Select[Any]:
    """Give 1 for each row, for those two."""
    return select(_ONE).select_from(model)


@_once
def number_of_rows(model: type[DeclarativeBase]) -> Select[Any]:
    """Count all rows."""
    return select(func.count()).select_from(model)


def narrowed(base: Select[Any], conditions: Sequence[Any], order_by: Sequence[Any]) -> Select[Any]:
    """Give the rows of a statement that meet all conditions, in an order."""
    statement = base.where(*conditions) if conditions else base
    return statement.order_by(*order_by) if order_by else statement


@_once
def whether_any(model: type[DeclarativeBase]) -> Maker:
    """Give what tells whether there is a row; it stops at the first.

    The outer SELECT is of no entity, so the ORM has no part in reading its result. Its options
    have no part in it either.
    """

    def make(_: Select[Any], conditions: Sequence[Any], __: Sequence[Any]) -> Select[Any]:
        return select(exists().select_from(model).where(*conditions))

    return make


def whether_any_seen(base: Select[Any], conditions: Sequence[Any], _: Sequence[Any]) -> Select[Any]:
    """Tell the same by a statement that the options of a session narrow."""
    return select(narrowed(base, conditions, ()).exists())


def has_key_of(model: type[DeclarativeBase]) -> ColumnElement[bool]:
    """Give the condition that finds one row, for ``key_values``."""
    columns = enumerate(primary_key(model))
    return and_(*(column == bound(_KEY, number, column) for number, column in columns))


def key_values(identity: Sequence[Any]) -> dict[str, Any]:
    """Give the parameters for ``has_key_of``."""
    return dict(zip(_key_names(len(identity)), identity, strict=True))


@lru_cache(64)
def _key_names(width: int) -> tuple[str, ...]:
    return tuple(_KEY.format(number) for number in range(width))


@_once
def one_row(model: type[DeclarativeBase], columns: tuple[Any, ...]) -> Select[Any]:
    """Give the row with the key of ``key_values``."""
    return rows(model, columns).where(has_key_of(model))


@_once
def deleted_row(model: type[DeclarativeBase]) -> Delete:
    """Delete the row with the key of ``key_values``."""
    return delete(model).where(has_key_of(model))


@_once
def plain_key(model: type[DeclarativeBase]) -> type[int | UUID] | None:
    """Give the type of one column's keys, if each comes back from the database equal to itself."""
    key = primary_key(model)
    kind = key[0].type if len(key) == 1 else None
    if isinstance(kind, Integer):
        return int
    return UUID if isinstance(kind, Uuid) and kind.as_uuid else None


@_once
def deleted_rows(model: type[DeclarativeBase]) -> ReturningDelete[Any]:
    """Delete the rows with KEYS, for a model with a ``plain_key``; give their keys."""
    (column,) = primary_key(model)
    return delete(model).where(column == any_(array(KEYS, column.type))).returning(column)


@_once
def is_its_table(model: type[DeclarativeBase]) -> bool:
    """Tell whether each row of a model's table is one of the model."""
    return mapper_of(model).polymorphic_on is None


def deleted_unseen(
    model: type[DeclarativeBase], conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    """Delete the rows with KEYS that meet all conditions; the ORM has no part in it.

    One row comes back, however many are deleted: their number, and those of KEYS, each once, that
    were not found; None if all were.

    Args:
        model: whose rows; it has a ``plain_key`` and ``is_its_table``.
        conditions: what the rows meet.
    """
    if not conditions:
        return _deleted_unseen(model)
    return _told(model, _deleted_with_keys(model).where(*conditions))


@_once
def _deleted_unseen(model: type[DeclarativeBase]) -> Select[Any]:
    return _told(model, _deleted_with_keys(model))


@_once
def _deleted_with_keys(model: type[DeclarativeBase]) -> Delete:
    (column,) = primary_key(model)
    table: Any = mapper_of(model).local_table
    return delete(table).where(column == any_(array(KEYS, column.type)))


def _told(model: type[DeclarativeBase], deleted: Delete) -> Select[Any]:
    (column,) = primary_key(model)
    keys = array(KEYS, column.type)
    gone = deleted.returning(column).cte("bedplate_gone")
    number = select(func.count().label("number")).select_from(gone).cte("bedplate_number")
    sent = func.unnest(keys).column_valued("bedplate_sent")
    kind = ARRAY(column.type)
    # EXCEPT is linear whatever the planner guesses; an anti-join of arrays may be quadratic.
    missing = func.array(except_(select(sent), select(gone.c[0])).scalar_subquery())
    is_short = number.c.number < func.cardinality(keys)
    return select(number.c.number, case((is_short, type_coerce(missing, kind))))


def changed_row(
    model: type[DeclarativeBase], changes: Mapping[str, object], *, back: bool
) -> tuple[Update, dict[str, Any]]:
    """Change the row with the key of ``key_values``.

    Args:
        model: whose row.
        changes: new values by attribute.
        back: whether the statement gives the row as it is then.

    Returns:
        The statement, and its parameters besides those of the key.
    """
    if _columns_of(model).issuperset(changes) and not any(map(_is_expression, changes.values())):
        names = tuple(changes)
        values = dict(zip(_new_names(len(names)), changes.values(), strict=True))
        return _changed_row(model, names, back), values
    statement = update(model).where(has_key_of(model)).values(dict(changes))
    return (statement.returning(model) if back else statement), {}


def _is_expression(value: object) -> bool:
    """Tell whether it is SQL: that differs from call to call."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


@lru_cache(64)
def _new_names(width: int) -> tuple[str, ...]:
    return tuple(_NEW.format(number) for number in range(width))


@_once
def _columns_of(model: type[DeclarativeBase]) -> frozenset[str]:
    return frozenset(mapper_of(model).columns.keys())


@_once
def _changed_row(
    model: type[DeclarativeBase],
    names: tuple[str, ...],
    back: bool,  # noqa: FBT001 - part of what decides the text
) -> Update:
    columns = mapper_of(model).columns
    changes = {name: bound(_NEW, number, columns[name]) for number, name in enumerate(names)}
    statement = update(model).where(has_key_of(model)).values(changes)
    return statement.returning(model) if back else statement


def bound(name: str, number: int, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a parameter for a column, whose name has a number in it."""
    return bindparam(name.format(number), type_=column.type)
