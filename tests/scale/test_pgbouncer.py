"""bedplate.database behind a real PgBouncer in transaction mode, without prepared statements"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.orm import Mapped, mapped_column
from tests.clusters import Cluster, PgBouncer

from bedplate.database import Database
from bedplate.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DuplicateError,
)
from bedplate.models import NAMING_CONVENTION, Base, UUIDv7Mixin
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository

CLIENTS = 20
CONNECTIONS = 3  # so that clients take turns on the server's


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Note(UUIDv7Mixin, Model):
    __tablename__ = "notes"
    name: Mapped[str] = mapped_column(unique=True)


class NoteRepository(Repository[Note]):
    model = Note


class NoteWork(UnitOfWork):
    notes = repository(NoteRepository)


@pytest.fixture(scope="module")
def pgbouncer() -> Iterator[PgBouncer]:
    folder = Path(tempfile.mkdtemp(prefix="bedplate-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "primary", fsync="off")
    cluster.create()
    pooler = PgBouncer(folder / "pgbouncer", cluster.port, pool_size=CONNECTIONS)
    pooler.start()
    yield pooler
    pooler.stop()
    cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["asyncpg", "psycopg"])
async def database(request: pytest.FixtureRequest, pgbouncer: PgBouncer) -> AsyncIterator[Database]:
    url = pgbouncer.url.replace("postgresql", f"postgresql+{request.param}", 1)
    async with Database(url, pool_size=CLIENTS, transaction_pooler=True) as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(Model.metadata.drop_all)
            await connection.run_sync(Model.metadata.create_all)
        yield opened


async def test_many_clients_read_and_write_on_few_connections(database: Database) -> None:
    async def work(client: int) -> None:
        uow = NoteWork(database)
        for number in range(15):
            async with uow:
                note = await uow.notes.add(Note(name=f"{client} {number}"))
                changed = await uow.notes.update(note.id, {"name": f"{client} {number}!"})
                await uow.commit()
            async with uow.read_only() as reading:
                assert (await reading.notes.get(note.id)).name == changed.name
                assert await reading.notes.exists(Note.name == changed.name)
            async with uow.snapshot() as reading:
                assert await reading.notes.count(Note.name.startswith(f"{client} ")) == number + 1
                assert (await reading.notes.first(Note.name == changed.name)) is not None

    await asyncio.gather(*(work(client) for client in range(CLIENTS)))
    async with database.session() as session:
        assert await session.scalar(text("SELECT count(*) FROM notes")) == CLIENTS * 15


@pytest.mark.unhappy
async def test_errors_keep_their_names_and_end_nobodys_connection(database: Database) -> None:
    async def collide(client: int) -> int:
        refused = 0
        for number in range(10):
            try:
                async with NoteWork(database) as uow:
                    await uow.notes.add(Note(name=f"{number}"))
                    await uow.commit()
            except DuplicateError as error:
                refused += error.constraint == "uq_notes_name"
        return refused

    refused = await asyncio.gather(*(collide(client) for client in range(CLIENTS)))
    assert sum(refused) == (CLIENTS - 1) * 10


@pytest.mark.unhappy
async def test_a_pooler_that_restarts_is_an_outage_and_over_when_it_is_back(
    database: Database, pgbouncer: PgBouncer
) -> None:
    await database.ping()
    pgbouncer.stop()
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    pgbouncer.start()
    await database.ping()


@pytest.mark.unhappy
def test_a_limit_that_a_pooler_would_lose_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="role"):
        Database("postgresql://a@b/c", statement_timeout=1, transaction_pooler=True)
