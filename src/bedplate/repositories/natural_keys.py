"""Natural keys: the columns by which an upsert knows a row again, and what makes them unique."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    and_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase

from bedplate.database.facts import name_of_constraint
from bedplate.errors import DuplicateError
from bedplate.models import TenantMixin
from bedplate.repositories.incoming import columns_of

__all__ = ["NaturalKey", "natural_key"]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

type _Unique = PrimaryKeyConstraint | UniqueConstraint | Index


@dataclass(frozen=True, slots=True, eq=False)
class NaturalKey:
    """Columns that no two rows share."""

    names: tuple[str, ...]
    columns: tuple[Column[Any], ...]
    unique: _Unique
    where: ColumnElement[bool] | None
    """Among which rows, if the index is partial."""

    nulls_are_equal: bool

    def meets(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """Give the condition for stored rows whose key is the same as these values."""
        pairs = zip(self.columns, values, strict=True)
        same = [
            column.is_not_distinct_from(value) if self.nulls_are_equal else column == value
            for column, value in pairs
        ]
        return and_(*same, *(() if self.where is None else (self.where,)))

    def check(self, values: Sequence[Any], *, asked_by: str) -> None:
        """Refuse values that are the same as none.

        Raises:
            ValueError: when one is None and two of them count as different.
        """
        if not self.nulls_are_equal and None in values:
            raise ValueError(f"{asked_by}: {', '.join(self.names)} may not be None: two are unlike")

    def taken(self) -> DuplicateError:
        """Give the error for a key that a row has which may not be changed."""
        return DuplicateError(
            constraint=name_of_constraint(self.unique, str(self.unique.table), _DIALECT),
            columns=self.unique.columns.keys(),
        )


@lru_cache(1024)
def natural_key(
    model: type[DeclarativeBase], names: tuple[str, ...], *, asked_by: str
) -> NaturalKey:
    """Find what makes some columns unique; for rows of tenants it may be unique within each.

    Args:
        model: whose rows.
        names: attributes.
        asked_by: the method, for errors.

    Raises:
        TypeError: when the model declares nothing of the kind.
    """
    choices = [names]
    if issubclass(model, TenantMixin) and "tenant_id" not in names:
        choices.append(("tenant_id", *names))
    for choice in choices:
        columns = columns_of(model, choice, asked_by=asked_by)
        for unique, where in _unique_on(columns):
            options = unique.dialect_options["postgresql"]
            return NaturalKey(
                names=choice,
                columns=columns,
                unique=unique,
                where=where,
                nulls_are_equal=bool(options.get("nulls_not_distinct")),
            )
    raise TypeError(
        f"{asked_by}: {model.__name__} has no unique constraint or index on {', '.join(names)}"
    )


def _unique_on(
    columns: Sequence[Column[Any]],
) -> Iterator[tuple[_Unique, ColumnElement[bool] | None]]:
    """Give what makes just these columns unique: among all rows first, then among some."""
    table, wanted = columns[0].table, {*columns}
    for constraint in sorted(table.constraints, key=lambda item: str(item.name)):
        if (
            isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
            and not constraint.deferrable  # PostgreSQL cannot use those
            and {*constraint.columns} == wanted
        ):
            yield constraint, None
    indexes = [index for index in table.indexes if index.unique and {*index.expressions} == wanted]
    for partial in (False, True):
        for index in sorted(indexes, key=lambda item: str(item.name)):
            where = index.dialect_options["postgresql"].get("where")
            if (where is not None) == partial:
                yield index, where
