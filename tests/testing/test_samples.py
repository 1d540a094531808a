"""Rows of made-up values."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, Interval, MetaData, Numeric, String
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import (
    NAMING_CONVENTION,
    Base,
    IdentityMixin,
    TimestampMixin,
    UUIDv7Mixin,
    choice_of,
)
from bedplate.testing import store_sample

Size = Literal["small", "large"]


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Shop(IdentityMixin, Model):
    __tablename__ = "shops"
    code: Mapped[str] = mapped_column(String(4), unique=True)


class Product(UUIDv7Mixin, TimestampMixin, Model):
    __tablename__ = "products"
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), unique=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(4, 2))
    share: Mapped[Decimal] = mapped_column(Numeric(4, 4))
    rate: Mapped[float] = mapped_column(Numeric(3, 3, asdecimal=False))
    sold: Mapped[bool]
    since: Mapped[date] = mapped_column(unique=True)
    seen_at: Mapped[datetime] = mapped_column(unique=True)
    token: Mapped[UUID] = mapped_column(unique=True)
    digest: Mapped[bytes]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    lasting: Mapped[Any] = mapped_column(Interval, nullable=False)
    size: Mapped[Size] = mapped_column(choice_of("size", Size))
    note: Mapped[str | None]
    weight: Mapped[float] = mapped_column(server_default="1")


class Cheap(IdentityMixin, Model):
    __tablename__ = "cheap"
    price: Mapped[int] = mapped_column(CheckConstraint("price < 0", name="negative"))


class Host(IdentityMixin, Model):
    __tablename__ = "hosts"
    address: Mapped[Any] = mapped_column(INET, nullable=False)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


async def test_what_is_demanded_is_made_up_and_nothing_is_there_twice(database: Database) -> None:
    rows = [await store_sample(database, Product, price=Decimal(n)) for n in range(3)]
    assert [row.price for row in rows] == [0, 1, 2]
    assert len({row.shop_id for row in rows}) == 3
    assert all(0 <= row.share < 1 for row in rows)
    assert all(0 <= row.rate < 1 for row in rows)
    assert {row.note for row in rows} == {None}
    assert {(row.size, row.weight) for row in rows} == {("small", 1.0)}
    async with database.session() as session:
        shop = await session.get_one(Shop, rows[0].shop_id)
    given = await store_sample(database, Product, parent_id=rows[0].id, note="given")
    assert (given.parent_id, given.note) == (rows[0].id, "given")
    assert 0 < len(shop.code) <= 4


@pytest.mark.unhappy
async def test_a_check_of_the_models_own_is_told(database: Database) -> None:
    with pytest.raises(InvalidDataError) as info:
        await store_sample(database, Cheap)
    assert info.value.constraint == "ck_cheap_negative"
    assert (await store_sample(database, Cheap, price=-1)).price == -1


@pytest.mark.unhappy
async def test_a_type_that_cannot_be_made_up_is_named(database: Database) -> None:
    with pytest.raises(TypeError, match="address needs a INET"):
        await store_sample(database, Host)
    assert (await store_sample(database, Host, address="127.0.0.1")).id
