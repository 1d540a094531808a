"""Changes and deletions of many rows in one statement, and what is said of those not found."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Delete, Update, and_, delete, select, update
from sqlalchemy.orm import DeclarativeBase

from bedplate.repositories import statements
from bedplate.repositories.entity_reads import EntityReads
from bedplate.repositories.incoming import (
    Table,
    columns_of,
    holds_expressions,
    in_order,
    key_names,
    same_attributes,
    tables,
)
from bedplate.repositories.keys import has_one_of_keys, mapper_of
from bedplate.repositories.loaded import entities, kept_relationships, restore

__all__ = ["FORGET", "FRESH", "UNSEEN", "BulkWrites", "Written"]

# The rows that come back are the truth, also for entities that are loaded already.
FRESH = {"execution_options": {"populate_existing": True, "synchronize_session": False}}
# Loaded entities that are deleted leave the session, which takes their keys from RETURNING.
FORGET = {"execution_options": {"synchronize_session": "fetch"}}
UNSEEN = {"execution_options": {"synchronize_session": False}}


class Written(NamedTuple):
    """How many rows were written, and the keys that were not found."""

    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    missing: Sequence[Any]


class BulkWrites[M: DeclarativeBase](EntityReads[M]):
    """Changes and deletes rows by their keys, many at once."""

    async def update_many(self, rows: Iterable[Mapping[str, object]]) -> Written:
        """Change rows by their keys, each to values of its own, and say which were not found.

        One statement, and a second one when the session has loaded entities of this model: they
        get the new values. The rows are read in the order of their keys, as for ``upsert_many``.
        If a changed column is an array, or its type wraps values in SQL, the
        rows are sent as VALUES, in as many statements as 30,000 values each make.

        Args:
            rows: for each, the attributes of the key and new values by attribute; all with the
                same attributes. A model with versions counts them up.

        Raises:
            TypeError: when rows have different attributes, lack the key, change nothing or name
                what is no column; when a value is an SQL expression, or the version is given.
            ValueError: when a key is there twice.
            DuplicateError: when a unique constraint holds such a row already.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when a row would come to belong to another tenant.
        """
        given = list(rows)
        if not given:
            return Written(0, [])
        names = same_attributes(given, asked_by="update_many")
        keys = key_names(self.model)
        self._check_changes(keys, names)
        own, alike = self._scope.changes([name for name in names if name not in keys], given)
        by_column = [[row[name] for row in given] for name in (*keys, *own)]
        identities = list(zip(*by_column[: len(keys)], strict=True))
        if len(set(identities)) < len(identities):
            raise ValueError("update_many: a key is there twice")
        columns = columns_of(self.model, (*keys, *own), asked_by="update_many")
        if any(holds_expressions(values) for values in by_column):
            raise TypeError("update_many: a value is an SQL expression; use update or update_where")
        found: set[int] = set()
        for table in tables(columns, by_column):
            ordered = in_order(table, len(keys))
            statement = _updated(self.model, columns, own, ordered).values(alike)
            found |= await self._numbers(statement, ordered, self._scope.conditions)
        await self._refresh_loaded((*own, *alike))
        return _written(identities, found)

    async def delete_many(self, keys: Iterable[object]) -> Written:
        """Delete rows by their keys, and say which were not found. One statement.

        Loaded entities leave the session. With SoftDeleteMixin the rows are marked as deleted, and
        when the session has loaded entities of this model, a second statement gives them their
        ``deleted_at``.

        Args:
            keys: the keys, or entities; one that is there twice counts once.

        Raises:
            StillReferencedError: when another row still points to one of them.
        """
        given = list(keys)
        if self._has_plain_keys(given):
            return await self._delete_by_key(given)
        identities = list(dict.fromkeys(map(self._identity, given)))
        if not identities:
            return Written(0, [])
        columns = columns_of(self.model, key_names(self.model), asked_by="delete_many")
        if self._scope.marks:
            return await self._mark_many(identities, columns)
        found: set[int] = set()
        for table in tables(columns, list(zip(*identities, strict=True))):
            statement = delete(self.model).where(_is_new(columns, table))
            found |= await self._numbers(statement, table, self._scope.conditions)
        return _written(identities, found)

    async def _mark_many(
        self, identities: Sequence[tuple[Any, ...]], columns: tuple[Column[Any], ...]
    ) -> Written:
        """Mark rows as deleted."""
        present = self._scope.showing("present")
        changes = present.marked()
        found: set[int] = set()
        for table in tables(columns, list(zip(*identities, strict=True))):
            marked = update(self.model).where(_is_new(columns, table)).values(changes)
            found |= await self._numbers(marked, table, present.conditions)
        await self._refresh_loaded(changes)
        return _written(identities, found)

    def _has_plain_keys(self, given: Sequence[object]) -> bool:
        """Tell whether rows can be deleted by one column, whose values come back as sent."""
        if not given or self._scope.marks:
            return False
        plain = statements.plain_key(self.model)
        return plain is not None and all(issubclass(kind, plain) for kind in set(map(type, given)))

    async def _delete_by_key(self, keys: Sequence[Any]) -> Written:
        """Delete rows by one column; a key that is there twice does no harm."""
        await self._send_pending()
        conditions = self._scope.conditions
        sent, mapper = {statements.KEYS: keys}, mapper_of(self.model)
        if statements.is_its_table(self.model) and not entities(self.session, self.model):
            statement = statements.deleted_unseen(self.model, conditions)
            told = await self.session.execute(statement, sent, bind_arguments={"mapper": mapper})
            number, missing = told.one()
            if not missing:
                return Written(number, [])
            absent = set(missing)
            return Written(number, list(dict.fromkeys(key for key in keys if key in absent)))
        forgetting = statements.deleted_rows(self.model).where(*conditions)
        gone = set(await self.session.scalars(forgetting, sent, **FORGET))
        return Written(len(gone), list(dict.fromkeys(key for key in keys if key not in gone)))

    def _check_changes(self, keys: tuple[str, ...], names: tuple[str, ...]) -> None:
        lacking = [name for name in keys if name not in names]
        if lacking:
            raise TypeError(f"update_many: each row needs {', '.join(lacking)}, its key")
        if len(names) == len(keys):
            raise TypeError("update_many: the rows change nothing")
        if self._scope.is_versioned and self._scope.version in names:
            raise TypeError("update_many: the version counts itself up")

    async def _numbers(
        self, statement: Update | Delete, table: Table, conditions: Sequence[ColumnElement[bool]]
    ) -> set[int]:
        """Give the numbers of the incoming rows that met a stored one."""
        if conditions:
            statement = statement.where(*conditions)
        is_forgotten = statement.is_delete and entities(self.session, self.model)
        result = await self.session.execute(
            statement.returning(table.number),
            table.parameters,
            **(FORGET if is_forgotten else UNSEEN),
        )
        return set(result.scalars())

    async def _refresh_loaded(self, changes: Iterable[str]) -> None:
        loaded = entities(self.session, self.model)
        if not loaded:
            return
        changed = list(changes)
        kept = [(entity, kept_relationships(entity, changed)) for entity in loaded]
        identities = [self._identity(entity) for entity in loaded]
        statement = select(self.model).where(has_one_of_keys(self.model, identities))
        (await self.session.scalars(statement, **FRESH)).unique().all()
        for entity, relationships in kept:
            restore(entity, relationships)


def _written(identities: Sequence[tuple[Any, ...]], found: set[int]) -> Written:
    missing = [identity for number, identity in enumerate(identities, 1) if number not in found]
    return Written(len(found), [key[0] if len(key) == 1 else key for key in missing])


def _updated(
    model: type[DeclarativeBase],
    columns: tuple[Column[Any], ...],
    names: tuple[str, ...],
    table: Table,
) -> Update:
    width = len(columns) - len(names)
    changes = dict(zip(names, table.values[width:], strict=True))
    return update(model).where(_is_new(columns[:width], table)).values(changes)


def _is_new(keys: tuple[Column[Any], ...], table: Table) -> ColumnElement[bool]:
    """Give the condition that joins stored rows to incoming ones, whose values begin so."""
    return and_(*(stored == new for stored, new in zip(keys, table.values, strict=False)))
