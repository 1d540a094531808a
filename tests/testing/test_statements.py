"""bedplate.testing.statements"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from bedplate.database import Database

type CountStatements = Callable[[object], AbstractContextManager[list[str]]]


async def test_it_lists_what_is_sent(database: Database, count_statements: CountStatements) -> None:
    with count_statements(database) as statements:
        async with database.session() as session:
            await session.execute(text("SELECT 1"))
            await session.execute(text("SELECT 2"))
    assert statements == ["SELECT 1", "SELECT 2"]


@pytest.mark.unhappy
async def test_savepoints_are_not_counted(
    database: Database, count_statements: CountStatements
) -> None:
    with count_statements(database.engine) as statements:
        async with database.session() as session:
            async with session.begin_nested():
                await session.execute(text("SELECT 1"))
            nested = await session.begin_nested()
            await nested.rollback()
            await session.commit()
    assert statements == ["SELECT 1"]


@pytest.mark.unhappy
async def test_what_is_sent_outside_is_not_counted(
    database: Database, count_statements: CountStatements
) -> None:
    with count_statements(database) as statements:
        pass
    await database.ping()
    assert statements == []
