"""The operations as one writes them by hand with SQLAlchemy.

What is after the two underscores of a name is the way: the fastest of them counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from _data_table import PlainItem, key_of, moment_of
from sqlalchemy import bindparam, delete, exists, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_on_conflict
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.models.uuid7 import uuid7

BY_KEY = select(PlainItem).where(PlainItem.id == bindparam("key"))
UPDATE = (
    update(PlainItem)
    .where(PlainItem.id == bindparam("key"))
    .values(price=bindparam("new_price"), quantity=bindparam("new_quantity"))
    .returning(PlainItem)
)
DELETE = delete(PlainItem).where(PlainItem.id == bindparam("key"))
UPSERT = insert_on_conflict(PlainItem)
UPSERT = UPSERT.on_conflict_do_update(
    index_elements=["name"],
    set_={
        "price": UPSERT.excluded.price,
        "quantity": UPSERT.excluded.quantity,
        "is_active": UPSERT.excluded.is_active,
        "updated_at": func.statement_timestamp(),
    },
).returning(PlainItem)
EXISTS = select(exists().where(PlainItem.is_active.is_(True)))
PAGE = (
    select(PlainItem)
    .order_by(PlainItem.id)
    .limit(bindparam("limit", type_=PlainItem.quantity.type))
    .offset(bindparam("offset", type_=PlainItem.quantity.type))
)
TOTAL = select(func.count()).select_from(PlainItem)
KEYSET = (
    select(PlainItem)
    .where(
        tuple_(PlainItem.created_at, PlainItem.id)
        > tuple_(
            bindparam("moment", type_=PlainItem.created_at.type),
            bindparam("key", type_=PlainItem.id.type),
        )
    )
    .order_by(PlainItem.created_at, PlainItem.id)
    .limit(bindparam("limit", type_=PlainItem.quantity.type))
)
COLUMNS = ("id", "name", "price", "quantity", "is_active")
_UNNESTED = (
    "unnest(CAST(:id AS uuid[]), CAST(:name AS text[]), CAST(:price AS numeric[]),"
    " CAST(:quantity AS integer[]), CAST(:is_active AS boolean[]))"
)
INSERT_UNNESTED = text(f"INSERT INTO items ({', '.join(COLUMNS)}) SELECT * FROM {_UNNESTED}")
UPSERT_UNNESTED = text(
    f"INSERT INTO items ({', '.join(COLUMNS)}) SELECT * FROM {_UNNESTED}"
    " ON CONFLICT (name) DO UPDATE SET price = excluded.price, quantity = excluded.quantity,"
    " is_active = excluded.is_active, updated_at = statement_timestamp() RETURNING id"
)
UPDATE_UNNESTED = text(
    "UPDATE items SET price = new.price, quantity = new.quantity,"
    " updated_at = statement_timestamp()"
    " FROM unnest(CAST(:id AS uuid[]), CAST(:price AS numeric[]), CAST(:quantity AS integer[]))"
    " AS new (id, price, quantity) WHERE items.id = new.id RETURNING items.id"
)
DELETE_MANY = text("DELETE FROM items WHERE id = ANY(:id) RETURNING id")
SILENT = {"synchronize_session": False}
FRESH = {"synchronize_session": False, "populate_existing": True}


def by_column(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def with_keys(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": uuid7(), **row} for row in rows]


class HandWritten:
    """Statements on the session of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get__session(self, key: UUID) -> object:
        return await self._session.get_one(PlainItem, key)

    async def get__select(self, key: UUID) -> object:
        return (await self._session.scalars(BY_KEY, {"key": key})).one()

    async def find_by_name__select(self, name: str) -> object:
        statement = select(PlainItem).where(PlainItem.name == name).limit(1)
        return (await self._session.scalars(statement)).one_or_none()

    async def exists__select(self, _: object) -> object:
        return await self._session.scalar(EXISTS)

    async def add__flush(self, row: dict[str, Any]) -> object:
        item = PlainItem(**row)
        self._session.add(item)
        await self._session.flush()
        return item

    async def add__insert(self, row: dict[str, Any]) -> object:
        return await self._session.scalar(insert(PlainItem).returning(PlainItem), row)

    async def update__returning(self, change: tuple[UUID, dict[str, Any]]) -> object:
        key, new = change
        values = {"key": key, "new_price": new["price"], "new_quantity": new["quantity"]}
        result = await self._session.scalars(UPDATE, values, execution_options=FRESH)
        return result.one()

    async def upsert__on_conflict(self, row: dict[str, Any]) -> object:
        return (await self._session.scalars(UPSERT, [row], execution_options=FRESH)).one()

    async def delete__statement(self, key: UUID) -> object:
        return await self._session.execute(DELETE, {"key": key}, execution_options=SILENT)

    async def page_with_total__two_statements(self, offset: int) -> object:
        found = await self._session.scalars(PAGE, {"limit": 51, "offset": offset})
        return found.all(), await self._session.scalar(TOTAL)

    async def page_deep_input(self, depth: int) -> tuple[datetime, UUID]:
        return moment_of(depth - 1), key_of(depth - 1)

    async def page_deep__keyset(self, place: tuple[datetime, UUID]) -> object:
        moment, key = place
        found = await self._session.scalars(KEYSET, {"moment": moment, "key": key, "limit": 51})
        return found.all()

    async def add_many__insertmanyvalues(self, rows: Sequence[dict[str, Any]]) -> object:
        return (await self._session.scalars(insert(PlainItem).returning(PlainItem.id), rows)).all()

    async def add_many__unnest(self, rows: Sequence[dict[str, Any]]) -> object:
        keyed = with_keys(rows)
        await self._session.execute(INSERT_UNNESTED, by_column(keyed, COLUMNS))
        return [row["id"] for row in keyed]

    async def add_many__copy(self, rows: Sequence[dict[str, Any]]) -> object:
        keyed = with_keys(rows)
        raw = await (await self._session.connection()).get_raw_connection()
        await raw.driver_connection.copy_records_to_table(
            "items",
            records=[
                (r["id"], r["name"], r["price"], r["quantity"], r["is_active"]) for r in keyed
            ],
            columns=COLUMNS,
        )
        return [row["id"] for row in keyed]

    async def update_many__orm(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._session.execute(update(PlainItem), rows)

    async def update_many__unnest(self, rows: Sequence[dict[str, Any]]) -> object:
        columns = by_column(rows, ("id", "price", "quantity"))
        return (await self._session.scalars(UPDATE_UNNESTED, columns)).all()

    async def upsert_many__list(self, rows: Sequence[dict[str, Any]]) -> object:
        return (await self._session.scalars(UPSERT, rows, execution_options=FRESH)).all()

    async def upsert_many__unnest(self, rows: Sequence[dict[str, Any]]) -> object:
        columns = by_column(with_keys(rows), COLUMNS)
        return (await self._session.scalars(UPSERT_UNNESTED, columns)).all()

    async def delete_many__any(self, keys: Sequence[UUID]) -> object:
        return (await self._session.scalars(DELETE_MANY, {"id": keys})).all()

    async def delete_many__orm(self, keys: Sequence[UUID]) -> object:
        statement = delete(PlainItem).where(PlainItem.id.in_(keys)).returning(PlainItem.id)
        return (await self._session.scalars(statement, execution_options=SILENT)).all()
