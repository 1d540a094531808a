"""INSERT ... ON CONFLICT: what becomes of a row whose natural key is there already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Select,
    and_,
    bindparam,
    cast,
    false,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
from sqlalchemy.orm import DeclarativeBase

from bedplate.repositories.incoming import Table, columns_of, key_names
from bedplate.repositories.keys import mapper_of, primary_key
from bedplate.repositories.natural_keys import NaturalKey
from bedplate.repositories.new_rows import NewRows, asks_for_context, made_by_the_orm

__all__ = [
    "Change",
    "keys_of",
    "many_added",
    "many_upserted",
    "one_added",
    "one_upserted",
    "value_of",
]

_VALUE = "bedplate_value_{}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a stored row takes from a new one with the same natural key."""

    names: tuple[str, ...]
    """Attributes that become what the new row holds."""

    stamps: tuple[str, ...]
    """Others that do so if the row is changed: they make no difference by themselves."""

    version: str
    """The attribute that holds its version, if it has one."""

    next_version: ColumnElement[Any] | None
    """Its version then, if the statement says it."""

    conditions: tuple[ColumnElement[bool], ...]
    """Which rows may be changed at all."""

    only_if_different: bool
    """Whether a row that holds the values already is left alone."""


def value_of(number: int) -> str:
    """Give the name of a parameter of ``one_upserted`` and ``one_added``."""
    return _VALUE.format(number)


def one_upserted(
    model: type[DeclarativeBase], values: Mapping[str, Any], key: NaturalKey, change: Change
) -> Insert:
    """Store a row, or change the one that is there.

    Args:
        model: whose row.
        values: by attribute: parameters or expressions.
        key: by what the row is known.
        change: what becomes of the one that is there.
    """
    return _changing(model, _one(model, values, asked_by="upsert"), key, change)


def one_added(model: type[DeclarativeBase], values: Mapping[str, Any], key: NaturalKey) -> Insert:
    """Store a row unless one is there."""
    statement = _one(model, values, asked_by="add_if_missing")
    return statement.on_conflict_do_nothing(index_elements=key.columns, index_where=key.where)


def many_upserted(
    model: type[DeclarativeBase], rows: NewRows, sent: Table, key: NaturalKey, change: Change
) -> Insert:
    """Store rows, or change those that are there; give the keys of what was written."""
    return _changing(model, _many(rows, sent), key, change)


def many_added(
    model: type[DeclarativeBase], rows: NewRows, sent: Table, key: NaturalKey
) -> Select[Any]:
    """Store the rows that are not there; give the number of each, and its primary key."""
    keys = columns_of(model, key_names(model), asked_by="add_many_if_missing")
    statement = _many(rows, sent).on_conflict_do_nothing(
        index_elements=key.columns, index_where=key.where
    )
    added = statement.returning(*dict.fromkeys((*keys, *key.columns))).cte("bedplate_added")
    new = (sent.values[rows.columns.index(column)] for column in key.columns)
    stored = (added.c[str(column.key)] for column in key.columns)
    same = [_same(*pair, key) for pair in zip(stored, new, strict=True)]
    given: list[Any] = [sent.number, *(added.c[str(column.key)] for column in keys)]
    return select(*given).join_from(sent.source, added, and_(*same))


def keys_of(
    model: type[DeclarativeBase],
    sent: Table,
    key: NaturalKey,
    conditions: Sequence[ColumnElement[bool]],
) -> Select[Any]:
    """Give the number of each row that is there, and its primary key.

    Args:
        model: whose rows.
        sent: values of the natural key.
        key: the natural key.
        conditions: which rows are seen.
    """
    return (
        select(sent.number, *primary_key(model))
        .join_from(sent.source, model, key.meets(sent.values))
        .where(*conditions)
    )


def _one(model: type[DeclarativeBase], values: Mapping[str, Any], *, asked_by: str) -> Insert:
    columns = columns_of(model, tuple(values), asked_by=asked_by)
    made = {
        column: bindparam(None, callable_=partial(_first, make), type_=column.type)
        for column, make in made_by_the_orm(model, columns, asked_by=asked_by).items()
    }
    given = dict(zip(columns, values.values(), strict=True))
    return insert(model).values({**given, **made})


def _first(make: Callable[[int], Sequence[Any]]) -> Any:  # noqa: ANN401
    return make(1)[0]


def _many(rows: NewRows, sent: Table) -> Insert:
    columns: list[Column[Any]] = [*rows.columns, *(column for column, _ in rows.computed)]
    values = [*sent.values, *(expression for _, expression in rows.computed)]
    return insert(rows.columns[0].table).from_select(
        columns, select(*values).select_from(sent.source), include_defaults=False
    )


def _changing(
    model: type[DeclarativeBase], statement: Insert, key: NaturalKey, change: Change
) -> Insert:
    columns = columns_of(model, change.names, asked_by="upsert")
    stamps = columns_of(model, change.stamps, asked_by="upsert") if columns else ()
    new: dict[str, Any] = {
        column.key: statement.excluded[column.key] for column in (*columns, *stamps)
    }
    conditions = list(change.conditions)
    if change.only_if_different:
        conditions.append(_differs(columns, statement))
    if columns:
        new |= _on_update((*columns, *stamps))
        if change.next_version is not None:
            new[mapper_of(model).columns[change.version].key] = change.next_version
    else:
        # Nothing changes; but only a row that is written comes back.
        new[key.columns[0].key] = statement.excluded[key.columns[0].key]
    return statement.on_conflict_do_update(
        index_elements=key.columns,
        index_where=key.where,
        set_=new,
        where=and_(*conditions) if conditions else None,
    )


def _on_update(changed: Sequence[Column[Any]]) -> dict[str, Any]:
    """Give what SQLAlchemy would put into other columns of an UPDATE."""
    made: dict[str, Any] = {}
    for column in changed[0].table.columns:
        default: Any = column.onupdate
        if default is None or column in changed:
            continue
        if default.is_callable and asks_for_context(default.arg):
            raise TypeError(f"upsert: onupdate of {column.name} asks for its context")
        if default.is_callable:
            make = partial(default.arg, None)
            made[column.key] = bindparam(None, callable_=make, type_=column.type)
        else:
            made[column.key] = default.next_value() if default.is_sequence else default.arg
    return made


def _differs(columns: Sequence[Column[Any]], statement: Insert) -> ColumnElement[bool]:
    if not columns:
        return false()
    stored = [_comparable(column, column.type) for column in columns]
    new = [_comparable(statement.excluded[column.key], column.type) for column in columns]
    if len(columns) == 1:
        return stored[0].is_distinct_from(new[0])
    return tuple_(*stored).is_distinct_from(tuple_(*new))


def _comparable(expression: ColumnElement[Any], kind: Any) -> ColumnElement[Any]:  # noqa: ANN401
    """Give what can be compared: ``json`` cannot."""
    is_json = isinstance(kind, JSON) and not isinstance(kind, JSONB)
    return cast(expression, JSONB) if is_json else expression


def _same(
    stored: ColumnElement[Any], new: ColumnElement[Any], key: NaturalKey
) -> ColumnElement[bool]:
    return stored.is_not_distinct_from(new) if key.nulls_are_equal else stored == new
