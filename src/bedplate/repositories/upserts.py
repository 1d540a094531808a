"""Upserts: rows that are stored, or changed if their natural key is there already."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

from sqlalchemy import Executable, bindparam
from sqlalchemy.orm import DeclarativeBase, QueryableAttribute
from sqlalchemy.sql.dml import ReturningInsert

from bedplate.database.read_only import ReadOnlySession
from bedplate.repositories.adding import Adds
from bedplate.repositories.bulk import BulkWrites
from bedplate.repositories.incoming import (
    Table,
    columns_of,
    holds_expressions,
    key_names,
    same_attributes,
    tables,
)
from bedplate.repositories.keys import mapper_of
from bedplate.repositories.loaded import entities, kept_relationships, restore
from bedplate.repositories.natural_keys import NaturalKey, natural_key
from bedplate.repositories.new_rows import NewRows, new_rows
from bedplate.repositories.upsert_statements import (
    Change,
    keys_of,
    many_added,
    many_upserted,
    one_added,
    one_upserted,
    value_of,
)

__all__ = ["Upserted", "Upserts"]

_AS_STORED = {"execution_options": {"populate_existing": True, "dml_strategy": "orm"}}


class Upserted(NamedTuple):
    """The keys of all rows, in the order given, and how many rows were written."""

    keys: Sequence[Any]
    written: int


class _Incoming(NamedTuple):
    """Rows as they are sent: sorted by their natural keys."""

    key: NaturalKey
    sent: NewRows
    by_column: Sequence[Sequence[Any]]
    order: Sequence[int]
    """Where each of them was given."""


class Upserts[M: DeclarativeBase](BulkWrites[M], Adds[M]):
    """Stores rows that may be there already, each by INSERT ... ON CONFLICT."""

    natural_key: ClassVar[Sequence[QueryableAttribute[Any]]] = ()
    """By which columns an upsert knows a row again; the primary key if none is named.

    The model declares them unique: by a constraint, or by an index, which may be partial as
    ``unique_while_present`` is. For rows of tenants they may be unique within each.
    """

    _known_by: tuple[str, ...] = ()
    _only_if_different = False

    def known_by(self, *columns: QueryableAttribute[Any]) -> Self:
        """Give the same repository, whose upserts know a row again by other columns.

        Args:
            columns: attributes that the model declares unique together.
        """
        view = copy(self)
        view._known_by = tuple(column.key for column in columns)
        return view

    def if_changed(self) -> Self:
        """Give the same repository, whose upserts leave a row alone that holds the values already.

        Nothing is written then: ``updated_at``, the version and ``updated_by`` stay as they are.
        """
        view = copy(self)
        view._only_if_different = True
        return view

    async def upsert(self, values: Mapping[str, object]) -> M:
        """Store a row, or change the one with the same natural key; give it as it is then.

        One statement; a second one in a view ``if_changed()`` if the row was left alone. A row
        that is there keeps its primary key, its tenant and ``created_by``.

        Args:
            values: by attribute, those of the natural key among them; others may be SQL
                expressions.

        Raises:
            TypeError: when the model declares no such natural key, the values lack it, name what
                is no column, or give the version.
            ValueError: when a value of the natural key is None, and two of them count as unlike.
            DuplicateError: when a row that this repository does not see has the natural key, or
                another unique constraint holds such a row.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when the row would belong to another tenant.
        """
        key, given = self._known(values, asked_by="upsert")
        change = self._change(key, tuple(given))
        row = await self._stored(given, key, change)
        if row is not None:
            return row
        if self._only_if_different:
            # The statement has locked it; the entity may have been loaded long before.
            row = await self.locked().first(key.meets([given[name] for name in key.names]))
        if row is None:
            raise key.taken()
        return row

    async def add_if_missing(self, values: Mapping[str, object]) -> M | None:
        """Store a row, and give it; None if its natural key is there already. One statement.

        Args:
            values: as for ``upsert``.

        Raises:
            TypeError: as ``upsert`` does.
            ValueError: as ``upsert`` does.
            DuplicateError: when another unique constraint holds such a row.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when the row would belong to another tenant.
        """
        key, given = self._known(values, asked_by="add_if_missing")
        return await self._stored(given, key, None)

    async def upsert_many(self, rows: Iterable[Mapping[str, object]]) -> Upserted:
        """Store rows, or change those with the same natural keys, and give all primary keys.

        One statement, two in a view ``if_changed()`` if some were left alone; one more when the
        session has loaded entities of this model: they get the new values. The rows are written
        in the order of their natural keys, so that two who upsert the same ones at once wait for
        each other and do not block each other. If a column is an array, or its type wraps values
        in SQL, the rows are sent as VALUES, in as many statements as 30,000 values each make.

        Args:
            rows: values by attribute, each with the same attributes, those of the natural key
                among them.

        Raises:
            TypeError: when rows have different attributes or a value is an SQL expression; when a
                default asks for its context; and as ``upsert`` does.
            ValueError: when a natural key is there twice; and as ``upsert`` does.
            DuplicateError: when a row that this repository does not see has one of the natural
                keys, or another unique constraint holds such a row.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when a row would belong to another tenant.
        """
        incoming = self._incoming(rows, asked_by="upsert_many")
        if incoming is None:
            return Upserted([], 0)
        key, sent, by_column, order = incoming
        change = self._change(key, sent.names)
        await self._send_pending()
        keys: list[Any] = []
        for table in tables(sent.columns, by_column):
            statement = many_upserted(self.model, sent, table, key, change)
            keys += await self._keys(statement.returning(*mapper_of(self.model).primary_key), table)
        written = len(keys)
        if written < len(order):
            keys = await self._all_keys(incoming) if self._only_if_different else []
        if len(keys) < len(order):
            raise key.taken()
        if written:
            await self._refresh_loaded(sent.names)
        return Upserted(_in_order(keys, order), written)

    async def add_many_if_missing(self, rows: Iterable[Mapping[str, object]]) -> Sequence[Any]:
        """Store rows whose natural keys are not there, and give the primary key of each.

        One statement; what is sent as VALUES takes as many as for ``upsert_many``.

        Args:
            rows: as for ``upsert_many``.

        Returns:
            A key for each row in the order given, and None for one that was there already.

        Raises:
            TypeError: as ``upsert_many`` does.
            ValueError: as ``upsert_many`` does.
            DuplicateError: when another unique constraint holds such a row.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when a row would belong to another tenant.
        """
        incoming = self._incoming(rows, asked_by="add_many_if_missing")
        if incoming is None:
            return []
        key, sent, by_column, order = incoming
        self._demand_writing()
        await self._send_pending()
        found: dict[int, Any] = {}
        for table in tables(sent.columns, by_column):
            statement = many_added(self.model, sent, table, key)
            found |= await self._numbered(statement, table)
        return _in_order([found.get(number) for number in range(1, len(order) + 1)], order)

    def _known(
        self, values: Mapping[str, object], *, asked_by: str
    ) -> tuple[NaturalKey, Mapping[str, object]]:
        """Give the natural key, and the values with what the scope adds."""
        given = self._scope.new(values)
        key = self._key(given, asked_by=asked_by)
        known_by = [given[name] for name in key.names]
        if holds_expressions(known_by):
            raise TypeError(f"{asked_by}: a value of the natural key is an SQL expression")
        key.check(known_by, asked_by=asked_by)
        return key, given

    def _incoming(self, rows: Iterable[Mapping[str, object]], *, asked_by: str) -> _Incoming | None:
        """Give rows as they are sent; None if there are none."""
        given = self._scope.all_new(rows)
        if not given:
            return None
        names = same_attributes(given, asked_by=asked_by)
        key = self._key(given[0], asked_by=asked_by)
        sent = new_rows(self.model, names, asked_by=asked_by)
        if sent is None:
            raise TypeError(f"{asked_by}: a value is composite, or a default asks for its context")
        by_column = sent.by_column(given)
        if any(holds_expressions(values) for values in by_column):
            raise TypeError(f"{asked_by}: a value is an SQL expression; use {asked_by[:6]}")
        known_by = list(zip(*(by_column[names.index(name)] for name in key.names), strict=True))
        for values in known_by:
            key.check(values, asked_by=asked_by)
        if len(set(known_by)) < len(known_by):
            raise ValueError(f"{asked_by}: a natural key is there twice")
        order = _sorted(known_by)
        ordered = [[values[place] for place in order] for values in by_column]
        return _Incoming(key, sent, ordered, order)

    def _key(self, given: Mapping[str, object], *, asked_by: str) -> NaturalKey:
        named = tuple(attribute.key for attribute in self.natural_key)
        names = self._known_by or named or key_names(self.model)
        key = natural_key(self.model, names, asked_by=asked_by)
        lacking = [name for name in key.names if name not in given]
        if lacking:
            raise TypeError(f"{asked_by}: {', '.join(lacking)} is not given, by which it is known")
        return key

    def _change(self, key: NaturalKey, names: Sequence[str]) -> Change:
        scope = self._scope
        kept = {*key.names, *key_names(self.model), *scope.kept}
        return Change(
            names=tuple(name for name in names if name not in kept),
            stamps=scope.stamps,
            version=scope.version,
            next_version=scope.next_version,
            conditions=scope.conditions,
            only_if_different=self._only_if_different,
        )

    async def _stored(
        self, given: Mapping[str, object], key: NaturalKey, change: Change | None
    ) -> M | None:
        """Store one row, and give it if it was written."""
        if holds_expressions(list(given.values())):
            statement, values = _written(self.model, given, key, change), {}
        else:
            # The tenant is another one each time, so such a statement is of no use later.
            make = _one_row.__wrapped__ if self._scope.traits.tenant is not None else _one_row
            statement = make(self.model, tuple(given), key, change)
            values = {value_of(number): value for number, value in enumerate(given.values())}
        await self._send_pending()
        changed = change.names if change is not None else ()
        loaded = entities(self.session, self.model)
        kept = {id(entity): kept_relationships(entity, changed) for entity in loaded}
        row = (await self.session.scalars(statement, values, **_AS_STORED)).one_or_none()
        if row is None:
            return None
        restore(row, kept.get(id(row), {}))
        return await self.locked().get(row) if self._options else row

    async def _keys(self, statement: Executable, table: Table) -> list[Any]:
        result = await self._sent(statement, table)
        return [row[0] if len(row) == 1 else tuple(row) for row in result]

    async def _numbered(self, statement: Executable, table: Table) -> dict[int, Any]:
        """Give primary keys by the numbers of the incoming rows."""
        result = await self._sent(statement, table)
        return {row[0]: row[1] if len(row[1:]) == 1 else tuple(row[1:]) for row in result}

    async def _sent(self, statement: Executable, table: Table) -> Sequence[Sequence[Any]]:
        binding = {"mapper": mapper_of(self.model)}
        result = await self.session.execute(statement, table.parameters, bind_arguments=binding)
        return result.all()

    async def _all_keys(self, incoming: _Incoming) -> list[Any]:
        """Give the primary keys of rows that are there, in the order of the incoming ones."""
        key, sent, by_column, order = incoming
        known_by = [by_column[sent.columns.index(column)] for column in key.columns]
        found: dict[int, Any] = {}
        for table in tables(key.columns, known_by):
            statement = keys_of(self.model, table, key, self._scope.conditions)
            found |= await self._numbered(statement, table)
        return [found[number] for number in range(1, len(order) + 1) if number in found]

    def _demand_writing(self) -> None:
        if isinstance(self.session.sync_session, ReadOnlySession):
            raise RuntimeError("this only reads: INSERT is refused")  # noqa: TRY004


@lru_cache(1024)
def _one_row(
    model: type[DeclarativeBase], names: tuple[str, ...], key: NaturalKey, change: Change | None
) -> ReturningInsert[Any]:
    columns = columns_of(model, names, asked_by="upsert")
    values = {
        name: bindparam(value_of(number), type_=column.type)
        for number, (name, column) in enumerate(zip(names, columns, strict=True))
    }
    return _written(model, values, key, change)


def _written(
    model: type[DeclarativeBase],
    values: Mapping[str, object],
    key: NaturalKey,
    change: Change | None,
) -> ReturningInsert[Any]:
    if change is None:
        return one_added(model, values, key).returning(model)
    return one_upserted(model, values, key, change).returning(model)


def _sorted(known_by: Sequence[tuple[Any, ...]]) -> list[int]:
    """Give the places of rows in an order that all who upsert them have, if there is one."""
    places = list(range(len(known_by)))
    try:
        return sorted(places, key=known_by.__getitem__)
    except TypeError:
        return places


def _in_order(keys: Sequence[Any], order: Sequence[int]) -> list[Any]:
    ordered: list[Any] = [None] * len(order)
    for place, key in zip(order, keys, strict=True):
        ordered[place] = key
    return ordered
