"""Relationships of a model: none is loaded row by row unless its model says so."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import ForeignKey, MetaData, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    backref,
    declared_attr,
    mapped_column,
    relationship,
    selectinload,
)

from bedplate.database import Database
from bedplate.models import Base, IdentityMixin
from bedplate.repositories import Repository


class Model(Base):
    __abstract__ = True
    metadata = MetaData()


class Owned:
    """A mixin with a relationship, which each of its models makes anew."""

    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))

    @declared_attr
    @classmethod
    def owner(cls) -> Mapped["Owner | None"]:
        """Give one to each model."""
        return relationship()


class Owner(IdentityMixin, Model):
    __tablename__ = "owners"
    boats: Mapped[list["Boat"]] = relationship(back_populates="owner")
    houses: Mapped[list["House"]] = relationship(lazy="selectin", viewonly=True)
    cars: WriteOnlyMapped["Car"] = relationship(viewonly=True)
    carts: DynamicMapped["Car"] = relationship(viewonly=True)


class Boat(IdentityMixin, Model):
    __tablename__ = "boats"
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    owner: Mapped[Owner] = relationship(back_populates="boats")


class House(Owned, IdentityMixin, Model):
    __tablename__ = "houses"


class Car(IdentityMixin, Model):
    __tablename__ = "cars"
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    owner: Mapped[Owner] = relationship(lazy=True, viewonly=True)
    seller: Mapped[Owner] = relationship(
        backref=backref("sold", viewonly=True), viewonly=True, sync_backref=False
    )
    buyer: Mapped[Owner] = relationship(
        backref=backref("bought", lazy="joined", viewonly=True), viewonly=True, sync_backref=False
    )
    maker: Mapped[Owner] = relationship(backref="made", overlaps="owner,boats")


class Owners(Repository[Owner]):
    model = Owner


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        opened.add(Owner(boats=[Boat(), Boat()]))
        await opened.flush()
        opened.expunge_all()
        yield opened


def loading(model: type[Model]) -> dict[str, object]:
    return {found.key: found.lazy for found in inspect(model).relationships}


@pytest.mark.unhappy
def test_what_says_nothing_of_its_loading_raises() -> None:
    assert loading(Boat) == {"owner": "raise"}
    assert loading(House) == {"owner": "raise"}
    assert loading(Owner)["boats"] == "raise"
    assert loading(Owner)["made"] == "raise"
    assert loading(Owner)["sold"] == "raise"


def test_what_says_how_it_is_loaded_is_left_alone() -> None:
    assert loading(Car)["owner"] is True
    said = {"houses": "selectin", "cars": "write_only", "carts": "dynamic", "bought": "joined"}
    assert loading(Owner).items() >= said.items()


@pytest.mark.unhappy
async def test_a_relationship_added_after_its_class_raises_too(session: AsyncSession) -> None:
    class Crew(IdentityMixin, Model):
        __tablename__ = "crews"
        boat_id: Mapped[int] = mapped_column(ForeignKey("boats.id"))

    Crew.boat = relationship(Boat)
    assert loading(Crew) == {"boat": "raise"}
    Model.metadata.remove(Crew.__table__)  # type: ignore[arg-type]  # it is a Table


@pytest.mark.unhappy
async def test_touching_one_names_it_also_where_loading_could_be_done(
    session: AsyncSession,
) -> None:
    owner = await Owners(session).one()
    with pytest.raises(InvalidRequestError, match=r"'Owner\.boats' is not available due to lazy"):
        _ = owner.boats
    with pytest.raises(InvalidRequestError, match=r"Owner\.boats"):
        await session.run_sync(lambda _: owner.boats)


async def test_what_a_read_asks_for_is_there(session: AsyncSession) -> None:
    owner = await Owners(session).with_options(selectinload(Owner.boats)).one()
    assert len(owner.boats) == 2


@pytest.mark.unhappy
async def test_a_new_entity_has_what_was_put_in(session: AsyncSession) -> None:
    owner = Owner()
    assert owner.boats == []
    boat = Boat(owner=owner)
    assert owner.boats == [boat]
    session.add(owner)
    await session.flush()
    assert boat.owner_id == owner.id
