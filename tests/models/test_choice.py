"""Columns that hold one of a few words."""

from typing import Literal

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import NAMING_CONVENTION, Base, IdentityMixin, choice_of

Colour = Literal["red", "green"]


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Lamp(IdentityMixin, Model):
    __tablename__ = "lamps"
    colour: Mapped[Colour] = mapped_column(choice_of("colour", Colour))
    other: Mapped[Colour | None] = mapped_column(choice_of("other", Colour))


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


async def test_a_word_comes_back_as_it_went_in(database: Database) -> None:
    async with database.session() as session:
        session.add(lamp := Lamp(colour="green"))
        await session.flush()
        await session.refresh(lamp)
    assert (lamp.colour, lamp.other) == ("green", None)


@pytest.mark.unhappy
@pytest.mark.parametrize("column", ["colour", "other"])
async def test_the_database_refuses_other_words(database: Database, column: str) -> None:
    async with database.session() as session:
        with pytest.raises(InvalidDataError) as info:
            await add_by_hand(session, column)
    assert info.value.constraint == f"ck_lamps_{column}"


async def add_by_hand(session: AsyncSession, column: str) -> None:
    values = {"colour": "red", "other": "red", column: "blue"}
    await session.execute(
        text("INSERT INTO lamps (colour, other) VALUES (:colour, :other)"), values
    )


@pytest.mark.unhappy
@pytest.mark.parametrize("words", [str, Literal["x" * 51], None])
def test_what_are_no_words_is_refused(words: object) -> None:
    with pytest.raises(ValueError, match="colour"):
        choice_of("colour", words)
