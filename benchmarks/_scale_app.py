"""What `scale_figures.py` serves: one row by its key, and nothing at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database, open_database
from bedplate.integrations.fastapi import install
from bedplate.models import Base, UUIDv7Mixin
from bedplate.repositories import Repository
from bedplate.settings import ServiceSettings, load_settings
from bedplate.unit_of_work import UnitOfWork, repository


class Thing(UUIDv7Mixin, Base):
    __tablename__ = "scale_things"
    name: Mapped[str] = mapped_column()


class ThingRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str


class ThingRepository(Repository[Thing]):
    model = Thing


class Work(UnitOfWork):
    things = repository(ThingRepository)


def create_app() -> FastAPI:
    """Build a service with the whole stack of bedplate around two routes."""
    settings = load_settings(ServiceSettings)
    opened: list[Database] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_database(settings) as database:
            opened.append(database)
            with app.state.metrics.watching(database):
                yield

    app = FastAPI(lifespan=lifespan)
    install(app, settings)

    @app.get("/things/{thing_id}")
    async def get_thing(thing_id: UUID) -> ThingRead:
        async with Work(opened[0]).read_only() as uow:
            return ThingRead.model_validate(await uow.things.get(thing_id))

    @app.post("/things", status_code=201)
    async def add_thing(name: str) -> ThingRead:
        async with Work(opened[0]) as uow:
            thing = await uow.things.add(Thing(name=name))
            await uow.commit()
        return ThingRead.model_validate(thing)

    @app.get("/nothing")
    async def get_nothing() -> dict[str, str]:
        return {}

    return app
