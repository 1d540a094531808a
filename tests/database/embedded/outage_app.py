"""A service that keeps numbers, for the test in which its PostgreSQL goes away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database, open_database
from bedplate.integrations.fastapi import install
from bedplate.models import Base
from bedplate.repositories import Repository
from bedplate.settings import ServiceSettings, load_settings
from bedplate.unit_of_work import UnitOfWork, repository


class Number(Base):
    __tablename__ = "numbers"
    value: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class NumberRepository(Repository[Number]):
    model = Number


class Work(UnitOfWork):
    numbers = repository(NumberRepository)


def create_app() -> FastAPI:
    """Build the application as a service does."""
    settings = load_settings(ServiceSettings, _env_file=None)
    databases: list[Database] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with open_database(settings) as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(Base.metadata.tables["numbers"].create, checkfirst=True)
            databases.append(database)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/numbers/{value}", status_code=201)
    async def keep(value: int) -> int:
        async with Work(databases[0]) as work:
            await work.numbers.add(Number(value=value))
            await work.commit()
        return value

    @app.get("/numbers")
    async def kept() -> list[int]:
        async with databases[0].session() as session:
            return list(await session.scalars(text("SELECT value FROM numbers")))

    async def answers() -> None:
        await databases[0].ping()

    install(app, settings, checks={"database": answers})
    return app
