"""A service with notes and jobs about them, on a database of each test's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import MetaData
from sqlalchemy.orm import Mapped

from bedplate.database import Database
from bedplate.jobs import JobQueue, Jobs, Retry, Worker
from bedplate.jobs.schema import create_jobs
from bedplate.models import NAMING_CONVENTION, Base, IdentityMixin
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Note(IdentityMixin, Model):
    __tablename__ = "notes"
    text: Mapped[str]


class NoteRepository(Repository[Note]):
    model = Note


class NoteUnitOfWork(UnitOfWork):
    notes = repository(NoteRepository)
    jobs = repository(JobQueue)


class Letter(BaseModel):
    """What is done about a note."""

    note: str
    fails: int = 0
    gives_up: bool = False


@dataclass
class Desk:
    """What the handlers share: it keeps what they did."""

    done: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    opened: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Desk"]:
        self.opened = True
        self.ready.set()
        try:
            yield self
        finally:
            self.opened = False


SOON = Retry(attempts=3, first=timedelta(milliseconds=1), longest=timedelta(milliseconds=1))


def fill(url: str) -> None:
    """Create the tables, as migrations do."""

    async def create() -> None:
        async with Database(url) as database, database.engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)
            await connection.run_sync(create_jobs)

    asyncio.run(create())


@pytest.fixture(scope="session")
def schema() -> Callable[[str], None]:
    return fill


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def jobs() -> Jobs[Desk]:
    return Jobs()


@pytest.fixture
def url(committed_database: Database) -> str:
    return committed_database.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def uow(committed_database: Database) -> NoteUnitOfWork:
    return NoteUnitOfWork(committed_database)


@pytest.fixture
def worker(jobs: Jobs[Desk], desk: Desk, url: str) -> Callable[..., Worker[Desk]]:
    """Makes workers."""

    def make(**settings: Any) -> Worker[Desk]:
        return Worker(jobs, url, desk.open, **settings)

    return make


@contextmanager
def records(capsys: pytest.CaptureFixture[str]) -> Iterator[list[dict[str, Any]]]:
    """Gather the records that are written meanwhile."""
    from bedplate.logging import configure_logging

    configure_logging("INFO", json=True)
    found: list[dict[str, Any]] = []
    capsys.readouterr()
    yield found
    found += [json.loads(line) for line in capsys.readouterr().out.splitlines()]
