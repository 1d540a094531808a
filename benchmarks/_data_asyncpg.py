"""The operations on the driver alone: what nothing built on it can be faster than."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from _data_table import key_of, moment_of

from bedplate.models.uuid7 import uuid7

ALL = "id, name, price, quantity, is_active, created_at, updated_at"
COLUMNS = ("id", "name", "price", "quantity", "is_active")
INSERT = f"INSERT INTO items ({', '.join(COLUMNS)})"
UNNESTED = "SELECT * FROM unnest($1::uuid[], $2::text[], $3::numeric[], $4::int[], $5::bool[])"
ON_CONFLICT = (
    "ON CONFLICT (name) DO UPDATE SET price = excluded.price, quantity = excluded.quantity,"
    " is_active = excluded.is_active, updated_at = statement_timestamp()"
)


def tuples(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(uuid7(), r["name"], r["price"], r["quantity"], r["is_active"]) for r in rows]


class Asyncpg:
    """SQL on the connection of one transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def get(self, key: UUID) -> object:
        return await self._connection.fetchrow(f"SELECT {ALL} FROM items WHERE id = $1", key)

    async def find_by_name(self, name: str) -> object:
        return await self._connection.fetchrow(f"SELECT {ALL} FROM items WHERE name = $1", name)

    async def exists(self, _: object) -> object:
        return await self._connection.fetchval("SELECT EXISTS (SELECT FROM items WHERE is_active)")

    async def add(self, row: dict[str, Any]) -> object:
        sql = f"{INSERT} VALUES ($1, $2, $3, $4, $5) RETURNING {ALL}"
        return await self._connection.fetchrow(sql, *tuples([row])[0])

    async def update(self, change: tuple[UUID, dict[str, Any]]) -> object:
        key, new = change
        sql = (
            "UPDATE items SET price = $2, quantity = $3, updated_at = statement_timestamp()"
            f" WHERE id = $1 RETURNING {ALL}"
        )
        return await self._connection.fetchrow(sql, key, new["price"], new["quantity"])

    async def upsert(self, row: dict[str, Any]) -> object:
        sql = f"{INSERT} VALUES ($1, $2, $3, $4, $5) {ON_CONFLICT} RETURNING {ALL}"
        return await self._connection.fetchrow(sql, *tuples([row])[0])

    async def delete(self, key: UUID) -> object:
        return await self._connection.execute("DELETE FROM items WHERE id = $1", key)

    async def page_with_total(self, offset: int) -> object:
        sql = f"SELECT {ALL} FROM items ORDER BY id LIMIT 51 OFFSET $1"
        rows = await self._connection.fetch(sql, offset)
        return rows, await self._connection.fetchval("SELECT count(*) FROM items")

    async def page_deep_input(self, depth: int) -> tuple[datetime, UUID]:
        return moment_of(depth - 1), key_of(depth - 1)

    async def page_deep(self, place: tuple[datetime, UUID]) -> object:
        sql = (
            f"SELECT {ALL} FROM items WHERE (created_at, id) > ($1, $2)"
            " ORDER BY created_at, id LIMIT 51"
        )
        return await self._connection.fetch(sql, *place)

    async def add_many(self, rows: Sequence[dict[str, Any]]) -> object:
        records = tuples(rows)
        await self._connection.copy_records_to_table("items", records=records, columns=COLUMNS)
        return [record[0] for record in records]

    async def update_many(self, rows: Sequence[dict[str, Any]]) -> object:
        sql = (
            "UPDATE items SET price = new.price, quantity = new.quantity,"
            " updated_at = statement_timestamp()"
            " FROM unnest($1::uuid[], $2::numeric[], $3::int[]) AS new (id, price, quantity)"
            " WHERE items.id = new.id RETURNING items.id"
        )
        columns = ([row[name] for row in rows] for name in ("id", "price", "quantity"))
        return await self._connection.fetch(sql, *columns)

    async def upsert_many(self, rows: Sequence[dict[str, Any]]) -> object:
        columns = zip(*tuples(rows), strict=True)
        sql = f"{INSERT} {UNNESTED} {ON_CONFLICT} RETURNING id"
        return await self._connection.fetch(sql, *columns)

    async def delete_many(self, keys: Sequence[UUID]) -> object:
        sql = "DELETE FROM items WHERE id = ANY($1) RETURNING id"
        return await self._connection.fetch(sql, keys)
