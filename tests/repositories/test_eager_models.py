"""Models that load others with themselves, joined: a row of theirs comes once all the same."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import Mapped, mapped_column, relationship
from tests.repositories.library import CODEC

from bedplate.database import Database
from bedplate.models import Base, IdentityMixin
from bedplate.pagination import CursorParams, PageParams
from bedplate.repositories import Repository


class Model(Base):
    __abstract__ = True
    metadata = MetaData()


class Basket(IdentityMixin, Model):
    __tablename__ = "baskets"
    owner: Mapped[str] = mapped_column(String(20))
    fruits: Mapped[list["Fruit"]] = relationship(lazy="joined", order_by="Fruit.id")


class Fruit(IdentityMixin, Model):
    __tablename__ = "fruits"
    name: Mapped[str] = mapped_column(String(20))
    basket_id: Mapped[int] = mapped_column(ForeignKey("baskets.id"))


class Baskets(Repository[Basket]):
    model = Basket


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def baskets(database: Database) -> AsyncIterator[Baskets]:
    async with database.session() as session:
        for owner in ("Ada", "Bob"):
            fruits = [Fruit(name=name) for name in ("apple", "fig", "plum")]
            session.add(Basket(owner=owner, fruits=fruits))
        await session.flush()
        session.expunge_all()
        yield Baskets(session, cursors=CODEC)


async def test_one_comes_with_its_own(baskets: Baskets) -> None:
    ada, _ = await baskets.list(order_by=[Basket.owner])
    baskets.session.expunge_all()
    for found in (await baskets.get(ada.id), await baskets.one(Basket.owner == "Ada")):
        assert [fruit.name for fruit in found.fruits] == ["apple", "fig", "plum"]


@pytest.mark.unhappy
async def test_many_come_once_each(baskets: Baskets) -> None:
    found = await baskets.list(order_by=[Basket.owner])
    assert [basket.owner for basket in found] == ["Ada", "Bob"]
    wanted = await baskets.get_many([basket.id for basket in found])
    assert wanted == (found, [])


@pytest.mark.unhappy
async def test_pages_have_each_once(baskets: Baskets) -> None:
    page = await baskets.page(PageParams(limit=1, total=True))
    assert (len(page.items), page.has_more, page.total) == (1, True, 2)
    first = await baskets.cursor_page(CursorParams(limit=1))
    second = await baskets.cursor_page(CursorParams(limit=1, cursor=first.next_cursor))
    owners = [basket.owner for basket in (*first.items, *second.items)]
    assert owners == ["Ada", "Bob"]
    assert second.next_cursor is None
