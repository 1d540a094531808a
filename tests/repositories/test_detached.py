"""Entities read without a session keeping track of them, where that gives the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import MetaData, String, Table, bindparam, event, inspect, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, InstanceState, Mapped, mapped_column, synonym
from tests.repositories import oddities, offices
from tests.repositories.library import Author, Book
from tests.repositories.test_eager_models import Basket

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import Base, IdentityMixin, bind_tenant, uuid7
from bedplate.repositories.detached import attributes_of_row, scalar_detached
from bedplate.unit_of_work import UnitOfWork

TABLE = cast("Table", Author.__table__)
NAMES = tuple(TABLE.columns.keys())
NOWHERE = "postgresql://nobody@localhost:1/nothing"
BY_ID = select(TABLE).where(TABLE.c.id == bindparam("id"))


class Model(Base):
    __abstract__ = True
    metadata = MetaData()


class Letter(IdentityMixin, Model):
    __tablename__ = "letters"
    body: Mapped[str] = mapped_column(deferred=True)


class Renamed(IdentityMixin, Model):
    __tablename__ = "renamed"
    renamed: Mapped[str] = mapped_column("name", String(20))
    other: Mapped[str] = synonym("renamed")


class Watched(IdentityMixin, Model):
    __tablename__ = "watched"


event.listen(Watched, "load", lambda *_: None)


@pytest.fixture(params=["joins a connection", "takes connections from its pool"])
async def database(
    request: pytest.FixtureRequest, committed_database: Database
) -> AsyncIterator[Database]:
    if request.param != "joins a connection":
        yield committed_database
        return
    async with committed_database.engine.connect() as connection:
        yield Database.bound_to(connection)


@pytest.fixture
async def ada(database: Database) -> Author:
    async with database.session() as session:
        author = Author(name="Ada", rank=3)
        session.add(author)
        await session.commit()
    return author


async def read(database: Database, key: UUID) -> Author | None:
    async with database.read_only_session() as session:
        attributes = attributes_of_row(session, Author)
        assert attributes is not None
        return await scalar_detached(session, Author, attributes, BY_ID, {"id": key})


async def test_it_is_what_a_session_gives(database: Database, ada: Author) -> None:
    found = await read(database, ada.id)
    async with database.read_only_session() as session:
        expected = await session.scalar(select(Author).where(Author.id == ada.id))
    assert found is not None
    assert columns_of(found) == columns_of(expected)
    state: InstanceState[Any] = inspect(found)
    assert (state.detached, state.modified, state.identity) == (True, False, (ada.id,))
    for entity in (found, expected):
        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            _ = cast("Author", entity).books


async def test_a_session_takes_it_up_and_stores_its_changes(
    database: Database, ada: Author
) -> None:
    found = await read(database, ada.id)
    assert found is not None
    async with database.session() as session:
        session.add(found)
        found.rank = 4
        await session.commit()
    again = await read(database, ada.id)
    assert again is not None
    assert again.rank == 4


async def test_attributes_stand_in_the_order_of_their_columns() -> None:
    async with Database(NOWHERE) as database:
        session = database.read_only_session()
        assert attributes_of_row(session, Renamed) == ("id", "renamed")


@pytest.mark.unhappy
async def test_no_row_is_none(database: Database) -> None:
    assert await read(database, uuid7()) is None


@pytest.mark.unhappy
async def test_an_error_is_the_usual_one_and_leaves_the_connection_usable(
    database: Database, ada: Author
) -> None:
    pool: Any = database.engine.pool
    held = pool.checkedout()
    refused = select(TABLE).where(text("1 / (rank - 3) > 0"))
    async with database.read_only_session() as session:
        with pytest.raises(InvalidDataError):
            await scalar_detached(session, Author, NAMES, refused, {})
    assert await read(database, ada.id) is not None
    assert pool.checkedout() == held


@pytest.mark.unhappy
async def test_reads_that_are_cancelled_give_their_connections_back(
    committed_database: Database,
) -> None:
    slow = select(TABLE).where(text("pg_sleep(60) IS NOT NULL"))
    async with UnitOfWork(committed_database) as uow:
        uow.session.add(Author(name="Ada"))
        await uow.commit()

    async def read_slowly() -> None:
        async with UnitOfWork(committed_database).latest() as uow:
            await scalar_detached(uow.session, Author, NAMES, slow, {})

    for _ in range(3):
        reading = [asyncio.create_task(read_slowly()) for _ in range(30)]  # the pool has fewer
        await until_one_sleeps(committed_database)
        for task in reading:
            task.cancel()
        ended = await asyncio.gather(*reading, return_exceptions=True)
        assert {type(error) for error in ended} == {asyncio.CancelledError}
    pool: Any = committed_database.engine.pool
    assert pool.checkedout() == 0
    assert await read(committed_database, uuid7()) is None


async def until_one_sleeps(database: Database) -> None:
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    async with asyncio.timeout(60), database.engine.connect() as connection:
        while not await connection.scalar(text(asleep)):
            await connection.rollback()
            await asyncio.sleep(0.01)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "model", [Basket, oddities.Animal, oddities.Cat, oddities.Bus, oddities.Spot, Letter, Watched]
)
async def test_what_takes_more_than_a_row_is_left_to_the_session(
    model: type[DeclarativeBase],
) -> None:
    async with Database(NOWHERE) as database:
        session = database.read_only_session()
        assert attributes_of_row(session, Book) is not None
        assert attributes_of_row(session, model) is None


@pytest.mark.unhappy
async def test_a_session_that_narrows_or_writes_or_has_begun_is_asked_itself(
    database: Database, ada: Author
) -> None:
    async with database.read_only_session() as session:
        bind_tenant(session, uuid7())
        assert attributes_of_row(session, offices.File) is None
    async with database.read_only_session() as session:
        event.listen(session.sync_session, "do_orm_execute", lambda _: None)
        assert attributes_of_row(session, Author) is None
    async with database.session() as session:
        assert attributes_of_row(session, Author) is None
    async with database.read_only_session() as session:
        await session.get(Author, ada.id)
        assert attributes_of_row(session, Author) is None


def columns_of(entity: Author | None) -> dict[str, object]:
    return {name: getattr(entity, name) for name in NAMES}
