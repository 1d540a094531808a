"""Database: its sessions, its transactions, and the one that is bound to a connection."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bedplate.database import Database, FairPool, translate_errors
from bedplate.errors import DuplicateError, RetryableError

METADATA = MetaData()
NOTES = Table("notes", METADATA, Column("id", Integer, primary_key=True))


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return METADATA


async def ids(database: Database) -> list[int]:
    async with database.session() as session:
        return list(await session.scalars(select(NOTES.c.id).order_by(NOTES.c.id)))


async def test_work_in_a_transaction_is_committed(committed_database: Database) -> None:
    async def work(session: AsyncSession) -> str:
        await session.execute(insert(NOTES).values(id=1))
        return "done"

    assert await committed_database.run_in_transaction(work) == "done"
    assert await ids(committed_database) == [1]


async def test_sessions_of_a_bound_database_share_its_transaction(
    committed_database: Database,
) -> None:
    async with committed_database.engine.connect() as connection:
        transaction = await connection.begin()
        bound = Database.bound_to(connection)
        await bound.ping()
        async with bound.session() as session:
            await session.execute(insert(NOTES).values(id=1))
            await session.commit()
        assert await ids(bound) == [1]
        assert await ids(committed_database) == []
        await bound.dispose()
        await transaction.rollback()
    assert await ids(committed_database) == []


async def test_an_engine_of_an_existing_application_can_be_translated(
    committed_database: Database,
) -> None:
    engine = create_async_engine(committed_database.engine.url, poolclass=FairPool)
    translate_errors(engine)
    try:
        async with AsyncSession(engine) as session:
            await session.execute(insert(NOTES).values(id=1))
            with pytest.raises(DuplicateError):
                await session.execute(insert(NOTES).values(id=1))
    finally:
        await engine.dispose()


@pytest.mark.unhappy
async def test_a_bound_session_that_does_not_commit_is_undone(database: Database) -> None:
    async with database.session() as session:
        await session.execute(insert(NOTES).values(id=1))
    assert await ids(database) == []


@pytest.mark.unhappy
async def test_a_bound_session_goes_on_after_an_error(database: Database) -> None:
    async with database.session() as session:
        await session.execute(insert(NOTES).values(id=1))
        await session.commit()
        with pytest.raises(DuplicateError):
            await session.execute(insert(NOTES).values(id=1))
        await session.rollback()
        await session.execute(insert(NOTES).values(id=2))
        await session.commit()
    assert await ids(database) == [1, 2]


@pytest.mark.unhappy
async def test_an_attempt_that_collides_is_undone_before_the_next(database: Database) -> None:
    attempts = 0

    async def work(session: AsyncSession) -> int | None:
        nonlocal attempts
        attempts += 1
        await session.execute(insert(NOTES).values(id=attempts))
        if attempts < 3:
            raise RetryableError
        return await session.scalar(select(func.count()).select_from(NOTES))

    assert await database.run_in_transaction(work) == 1
    assert await ids(database) == [3]


@pytest.mark.unhappy
async def test_entities_and_errors_do_not_show_parameters(
    committed_database: Database,
) -> None:
    async with committed_database.session() as session:
        with pytest.raises(Exception, match="syntax") as info:
            await session.execute(text("SELEC :word"), {"word": "hidden-word"})
    assert "hidden-word" not in str(info.value)


@pytest.mark.unhappy
async def test_a_commit_without_work_sends_nothing() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    async with nowhere as database, database.session() as session:
        await session.commit()


@pytest.mark.unhappy
async def test_a_duplicate_is_not_tried_again(database: Database) -> None:
    attempts = 0

    async def work(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await session.execute(insert(NOTES).values(id=1))
        await session.execute(insert(NOTES).values(id=1))

    with pytest.raises(DuplicateError):
        await database.run_in_transaction(work)
    assert attempts == 1
    assert await ids(database) == []
