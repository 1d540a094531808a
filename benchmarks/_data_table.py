"""One table, and the three ways in which it is mapped: each is what the users of its side write."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from advanced_alchemy.base import DefaultBase
from advanced_alchemy.mixins import AuditColumns
from sqlalchemy import DateTime, Index, Numeric, String, func, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bedplate.models import Base, TimestampMixin, UUIDv7Mixin
from bedplate.models.uuid7 import uuid7

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Item(UUIDv7Mixin, TimestampMixin, Base):
    """As a service on bedplate writes it."""

    __tablename__ = "items"
    __table_args__ = (Index(None, "created_at", "id"),)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    quantity: Mapped[int]
    is_active: Mapped[bool]


class PlainBase(DeclarativeBase):
    """SQLAlchemy's base with its own defaults."""


class PlainItem(PlainBase):
    """As one writes it by hand."""

    __tablename__ = "items"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    quantity: Mapped[int]
    is_active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.statement_timestamp()
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True),
        server_default=func.statement_timestamp(),
        onupdate=func.statement_timestamp(),
    )


class AdvancedItem(AuditColumns, DefaultBase):
    """As a user of Advanced Alchemy writes it, but without the extra column of its key mixins."""

    __tablename__ = "items"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    quantity: Mapped[int]
    is_active: Mapped[bool]


_FILL = text("""
    INSERT INTO items (id, name, price, quantity, is_active, created_at, updated_at)
    SELECT (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, 'item ' || n,
           n % 1000, n % 97, n % 100 <> 0, moment, moment
    FROM generate_series(0, CAST(:rows AS integer) - 1) n,
         LATERAL (SELECT CAST(:epoch AS timestamptz) + n * interval '1 second') AS at (moment)
    """)


def key_of(number: int) -> UUID:
    """Give the key of a row that ``fill`` stored."""
    return UUID(int=(number << 80) | (0x7000 << 64) | (0x8000 << 48))


def name_of(number: int) -> str:
    """Give its name."""
    return f"item {number}"


def moment_of(number: int) -> datetime:
    """Give its ``created_at``."""
    return EPOCH + timedelta(seconds=number)


def new_rows(names: Sequence[str]) -> list[dict[str, Any]]:
    """Give rows to store."""
    return [
        {"name": name, "price": Decimal("9.99"), "quantity": 1, "is_active": True} for name in names
    ]


async def fill(engine: AsyncEngine, rows: int) -> None:
    """Make the table with so many rows; 99 of 100 are active."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, tables=[Item.__table__])
        await connection.execute(_FILL, {"rows": rows, "epoch": EPOCH})
    await tidy(engine)


async def tidy(engine: AsyncEngine) -> None:
    """Take away what rolled back rounds left, so that no contender meets more of it."""
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE items"))
