"""Units of work and the database: what they hand out."""

from typing import assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from typing_tests.models import AppUnitOfWork, User, UserRepository

from bedplate.database import Database
from bedplate.unit_of_work import UnitOfWork, repository


async def repositories(uow: AppUnitOfWork) -> None:
    """A declared repository is given as its class, and so is the unit of work by ``async with``."""
    assert_type(uow.users, UserRepository)
    async with uow as entered:
        assert_type(entered, AppUnitOfWork)
        assert_type(entered.users.locked(), UserRepository)
    assert_type(AppUnitOfWork.users, repository[UserRepository])
    assert_type(uow.session, AsyncSession)


async def readers(uow: AppUnitOfWork, database: Database) -> None:
    """A unit that only reads is of the same class."""
    assert_type(uow.read_only(), AppUnitOfWork)
    assert_type(uow.acting_as("Ada").of_tenant(1).snapshot(), AppUnitOfWork)
    async with uow.read_only() as reading:
        assert_type(await reading.users.count(), int)
    assert_type(database.read_only_session(), AsyncSession)
    assert_type(database.snapshot_session(), AsyncSession)


async def transactions(database: Database) -> None:
    """What the work returns is what the caller gets."""

    async def register(session: AsyncSession) -> User:
        return await UserRepository(session).one()

    async def count(session: AsyncSession) -> int:
        return await UserRepository(session).count()

    assert_type(await database.run_in_transaction(register), User)
    assert_type(await database.run_in_transaction(count, attempts=5), int)
    async with database as opened:
        assert_type(opened, Database)


async def refused(uow: AppUnitOfWork, database: Database) -> None:
    """What would fail at run time fails here first."""
    uow.userz  # type: ignore[attr-defined] # no such repository
    repository(User)  # type: ignore[arg-type] # a model is no repository
    await database.run_in_transaction(lambda: None)  # type: ignore[arg-type,misc] # takes a session
    UnitOfWork()  # type: ignore[call-arg] # of which database?
