"""bedplate.testing.jobs: jobs within a test's own transaction"""

from datetime import timedelta
from typing import Any

import pytest
from tests.jobs.conftest import NoteUnitOfWork, fill

from bedplate.database import Database
from bedplate.jobs import Jobs
from bedplate.testing import run_jobs

jobs: Jobs[list[int]] = Jobs()


@pytest.fixture(scope="session")
def schema() -> Any:
    return fill


@jobs.job("keep")
async def keep(number: int, seen: list[int]) -> None:
    if number < 0:
        raise LookupError(number)
    seen.append(number)


@pytest.fixture
def uow(database: Database) -> NoteUnitOfWork:
    return NoteUnitOfWork(database)


async def test_jobs_run_in_the_tests_own_transaction(
    uow: NoteUnitOfWork, database: Database
) -> None:
    async with uow:
        await uow.jobs.enqueue(keep, 1)
        await uow.jobs.enqueue(keep, 2, priority=1)
        await uow.commit()
    seen: list[int] = []
    assert await run_jobs(lambda: NoteUnitOfWork(database), jobs, seen) == 2
    assert seen == [2, 1]
    async with uow:
        assert await uow.jobs.waiting() == {}


@pytest.mark.unhappy
async def test_what_a_handler_raises_reaches_the_test(
    uow: NoteUnitOfWork, database: Database
) -> None:
    async with uow:
        await uow.jobs.enqueue(keep, -1)
        await uow.commit()
    with pytest.raises(LookupError):
        await run_jobs(lambda: NoteUnitOfWork(database), jobs, [])


@pytest.mark.unhappy
async def test_other_jobs_and_those_of_later_stay(uow: NoteUnitOfWork, database: Database) -> None:
    others: Jobs[list[int]] = Jobs()

    @others.job("other")
    async def other(_number: int, _seen: list[int]) -> None: ...

    async with uow:
        await uow.jobs.enqueue(other, 1)
        await uow.jobs.enqueue(keep, 1, delay=timedelta(hours=1))
        await uow.commit()
    assert await run_jobs(lambda: NoteUnitOfWork(database), jobs, []) == 0
    async with uow:
        assert await uow.jobs.waiting() == {"other": 1, "keep": 1}
