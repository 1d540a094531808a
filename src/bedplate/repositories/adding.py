"""New rows: one entity, or many rows by the fastest way that gives their keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from bedplate.database.read_only import ReadOnlySession
from bedplate.errors import RetryableError
from bedplate.repositories.copying import Copy, forget_answers, takes_copy
from bedplate.repositories.entity_reads import EntityReads
from bedplate.repositories.incoming import (
    holds_expressions,
    in_values,
    key_names,
    numbered_arrays,
    same_attributes,
    wrapped_in_sql,
)
from bedplate.repositories.keys import mapper_of, primary_key
from bedplate.repositories.new_rows import NewRows, new_rows
from bedplate.repositories.storing import store

__all__ = ["Adds"]

# Fewer are stored as fast by INSERT, which asks nothing first.
_WORTH_COPYING = 100
# COPY does not take this table any more: policies of rows, or a view in its place.
_REFUSES_COPY = ("0A000", "42809")


class Adds[M: DeclarativeBase](EntityReads[M]):
    """Stores new rows."""

    async def add(self, entity: M) -> M:
        """Store a new row, and give it with what the database filled in. One statement.

        Raises:
            DuplicateError: when a unique constraint holds such a row already.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
        """
        self._scope.admit(entity)
        await store(self.session, entity)
        return entity

    async def add_many(self, rows: Iterable[Mapping[str, object]]) -> Sequence[Any]:
        """Store new rows, and give their keys in the same order. One statement.

        It is COPY for 100 rows and more whose keys are known before, be it by a default such as
        that of UUIDv7Mixin; the first time, another statement asks whether the table takes it.
        Else it is INSERT of one array for each column. Rows whose values are arrays themselves,
        are wrapped in SQL by their type or come from a default that asks for its context are
        listed, in as many statements as fit.

        Args:
            rows: values by attribute; each with the same attributes.

        Raises:
            TypeError: when rows have different attributes or name what is no column; when a value
                is an SQL expression, or the version is given.
            DuplicateError: when a unique constraint holds such a row already.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when a row would belong to another tenant.
        """
        given = self._scope.all_new(rows)
        if not given:
            return []
        names = same_attributes(given, asked_by="add_many")
        rows_as_sent = new_rows(self.model, names, asked_by="add_many")
        if rows_as_sent is None or not rows_as_sent.columns:
            return await self._list(given)
        by_column = rows_as_sent.by_column(given)
        if any(holds_expressions(values) for values in by_column):
            raise TypeError("add_many: a value is an SQL expression; use add")
        await self._send_pending()
        if await self._copied(rows_as_sent, by_column):
            return rows_as_sent.keys(by_column) or []
        if in_values(rows_as_sent.columns):
            return await self._list(given)
        return await self._insert_arrays(rows_as_sent, by_column)

    async def _copied(self, rows: NewRows, by_column: Sequence[Sequence[Any]]) -> bool:
        """Store rows by COPY, if that can be and is worth it."""
        if (
            len(by_column[0]) < _WORTH_COPYING
            or rows.key is None
            or rows.computed
            or wrapped_in_sql(rows.columns)
            or isinstance(self.session.sync_session, ReadOnlySession)
        ):
            return False
        binding = {"mapper": mapper_of(self.model)}
        connection = await self.session.connection(bind_arguments=binding)
        if not await takes_copy(connection, rows.columns):
            return False
        statement = Copy(connection, rows.columns, by_column)
        try:
            await self.session.execute(statement, bind_arguments=binding)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _REFUSES_COPY:
                raise
            forget_answers(connection, rows.columns)
            raise RetryableError("The table has been altered; try again.") from error
        return True

    async def _insert_arrays(
        self, rows: NewRows, by_column: Sequence[Sequence[Any]]
    ) -> Sequence[Any]:
        """Store rows by INSERT of one array for each column."""
        sent = numbered_arrays(rows.columns, by_column)
        columns: list[Column[Any]] = [*rows.columns, *(column for column, _ in rows.computed)]
        values = [*sent.values, *(expression for _, expression in rows.computed)]
        statement = insert(rows.columns[0].table).from_select(
            columns, select(*values).select_from(sent.source), include_defaults=False
        )
        binding = {"mapper": mapper_of(self.model)}
        known = rows.keys(by_column)
        if known is not None:
            await self.session.execute(statement, sent.parameters, bind_arguments=binding)
            return known
        # Rows are stored, and come back, in the order of the arrays.
        keys = primary_key(self.model)
        result = await self.session.execute(
            statement.returning(*keys), sent.parameters, bind_arguments=binding
        )
        return _keys(result.all(), len(by_column[0]))

    async def _list(self, rows: Sequence[Mapping[str, object]]) -> Sequence[Any]:
        """Store rows by INSERT of VALUES, as the ORM makes them."""
        keys = [getattr(self.model, name) for name in key_names(self.model)]
        statement = insert(self.model).returning(*keys, sort_by_parameter_order=True)
        # Without it the ORM sends a statement of its own for every change of which values are None.
        as_given = {"render_nulls": True}
        result = await self.session.execute(statement, rows, execution_options=as_given)
        return _keys(result.all(), len(rows))


def _keys(stored: Sequence[Sequence[Any]], number: int) -> Sequence[Any]:
    if len(stored) < number:
        raise RuntimeError("a trigger or a rule of the table kept rows from being stored")
    return [row[0] if len(row) == 1 else tuple(row) for row in stored]
