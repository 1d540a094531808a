"""The one database of all services: the accounts, the 10,000 products, and its processes."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import bcrypt

from bedplate.models.uuid7 import uuid7

PASSWORD = "correct horse battery"
PRODUCTS = 10_000


class BenchDatabase:
    """A connection beside those of the services."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> "BenchDatabase":
        return cls(await asyncpg.connect(url.replace("+asyncpg", "", 1)))

    async def fill(self, names: list[str]) -> None:
        """Give each service an administrator of its own, for each keeps passwords in its own way."""
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(12)).decode()
        accounts = [(uuid7(), email_of(name), hashed) for name in names]
        await self._connection.executemany(
            "INSERT INTO users (id, email, password_hash, roles) VALUES ($1, $2, $3, '{admin}')",
            accounts,
        )
        rows: list[tuple[UUID, str, Decimal, int]] = [
            (uuid7(), f"Product {number}", Decimal(number) / 100, number)
            for number in range(PRODUCTS)
        ]
        await self._connection.copy_records_to_table(
            "products", records=rows, columns=["id", "name", "price", "quantity"]
        )
        # as if they had been added one after the other: all of one COPY have one moment
        await self._connection.execute(
            "UPDATE products SET created_at = created_at - quantity * interval '1 second'"
        )
        await self.tidy()

    async def tidy(self) -> None:
        """Leave the tables as each turn is to find them."""
        await self._connection.execute("DELETE FROM products WHERE name = 'Created'")
        await self._connection.execute(
            "DELETE FROM auth_sessions WHERE created_at < now() - interval '1 minute'"
        )
        for table in ("products", "users", "auth_sessions", "refresh_tokens", "attempt_counters"):
            await self._connection.execute(f"VACUUM ANALYZE {table}")

    async def pids(self) -> list[int]:
        """Give the server's processes that work for the services."""
        rows = await self._connection.fetch(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row["pid"] for row in rows]

    async def close(self) -> None:
        await self._connection.close()


def email_of(name: str) -> str:
    """Give the address of a service's account."""
    return f"{''.join(filter(str.isalpha, name)).lower()}@example.com"
