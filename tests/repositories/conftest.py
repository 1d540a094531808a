"""The library's tables, and a session on them."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.library import CODEC, AuthorRepository, Model

from bedplate.database import Database


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


@pytest.fixture
def authors(session: AsyncSession) -> AuthorRepository:
    return AuthorRepository(session, cursors=CODEC)
