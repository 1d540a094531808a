"""Versions a model counts without VersionMixin: a number, one made anew, or one of the database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, FetchedValue, MetaData, String, event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database
from bedplate.errors import StaleError
from bedplate.models import Base, IdentityMixin
from bedplate.repositories import Repository


class Model(Base):
    __abstract__ = True
    metadata = MetaData()


class Counted(IdentityMixin, Model):
    __tablename__ = "counted"
    text: Mapped[str] = mapped_column(String(20), unique=True)
    revision: Mapped[int] = mapped_column("rev")
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - as SQLAlchemy declares it


class Stamped(IdentityMixin, Model):
    __tablename__ = "stamped"
    text: Mapped[str] = mapped_column(String(20), unique=True)
    etag: Mapped[UUID] = mapped_column()
    __mapper_args__ = {  # noqa: RUF012 - as SQLAlchemy declares it
        "version_id_col": etag,
        "version_id_generator": lambda _: uuid4(),
    }


class Triggered(IdentityMixin, Model):
    """The server counts."""

    __tablename__ = "triggered"
    text: Mapped[str] = mapped_column(String(20), unique=True)
    edition: Mapped[int] = mapped_column(server_default="1", server_onupdate=FetchedValue())
    __mapper_args__ = {"version_id_col": edition, "version_id_generator": False}  # noqa: RUF012


_COUNTING = """
CREATE OR REPLACE FUNCTION count_editions() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.edition = OLD.edition + 1; RETURN NEW; END'
"""
_TRIGGER = """
CREATE TRIGGER counting BEFORE UPDATE ON triggered
    FOR EACH ROW EXECUTE FUNCTION count_editions()
"""


@event.listens_for(Model.metadata, "after_create")
def _make_trigger(_metadata: MetaData, connection: Connection, **_: object) -> None:
    for statement in (_COUNTING, _TRIGGER):
        connection.execute(text(statement))


class CountedRepository(Repository[Counted]):
    model = Counted
    natural_key = (Counted.text,)


class StampedRepository(Repository[Stamped]):
    model = Stamped
    natural_key = (Stamped.text,)


class TriggeredRepository(Repository[Triggered]):
    model = Triggered


KINDS: list[Any] = [
    (CountedRepository, Counted),
    (StampedRepository, Stamped),
    (TriggeredRepository, Triggered),
]


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


async def test_each_change_counts_on(session: AsyncSession) -> None:
    counted = CountedRepository(session)
    row = await counted.add(Counted(text="a"))
    assert (await counted.update(row, {"text": "b"})).revision == 2
    assert await counted.update_where({"text": "c"}, Counted.id == row.id) == 1
    await counted.update_many([{"id": row.id, "text": "d"}])
    assert (await counted.known_by(Counted.id).upsert({"id": row.id, "text": "e"})).revision == 5
    row.text = "f"
    await session.flush()
    assert row.revision == 6


async def test_each_change_makes_another(session: AsyncSession) -> None:
    stamped = StampedRepository(session).known_by(Stamped.id)
    row = await stamped.add(Stamped(text="a"))
    seen = [row.etag]
    seen.append((await stamped.update(row, {"text": "b"})).etag)
    seen.append((await stamped.upsert({"id": row.id, "text": "c"})).etag)
    await stamped.upsert_many([{"id": row.id, "text": "d"}])
    seen.append(row.etag)
    await stamped.update_where({"text": "e"}, Stamped.id == row.id)
    seen.append(row.etag)
    assert len(set(seen)) == len(seen) == 5


@pytest.mark.unhappy
@pytest.mark.parametrize(("kind", "model"), KINDS)
async def test_of_two_who_change_what_they_read_one_is_told(
    committed_database: Database, kind: Any, model: Any
) -> None:
    async with committed_database.session() as session:
        key = (await kind(session).add(model(text="a"))).id
        await session.commit()
    have_read = asyncio.Barrier(2)

    async def change(text: str, *, by_flush: bool) -> bool:
        async with committed_database.session() as session:
            rows = kind(session)
            row = await rows.get(key)
            await have_read.wait()
            try:
                if by_flush:
                    row.text = text
                else:
                    await rows.update(row, {"text": text})
                await session.commit()
            except StaleError:
                return False
            return True

    for by_flush in (False, True):
        both = await asyncio.gather(
            *(change(f"{name}{by_flush}", by_flush=by_flush) for name in "bc")
        )
        assert sorted(both) == [False, True]


@pytest.mark.unhappy
async def test_a_change_of_another_version_is_stale(session: AsyncSession) -> None:
    counted = CountedRepository(session)
    row = await counted.add(Counted(text="a"))
    for changes in ({"text": "b"}, {}):
        with pytest.raises(StaleError):
            await counted.update(row.id, changes, version=2)
    with pytest.raises(StaleError):
        await counted.delete(row.id, version=2)
    await counted.delete(row, version=1)


@pytest.mark.unhappy
async def test_versions_are_not_given_by_hand(session: AsyncSession) -> None:
    counted = CountedRepository(session)
    row = await counted.add(Counted(text="a"))
    for write in (
        counted.update_many([{"id": row.id, "revision": 7}]),
        counted.add_many([{"text": "b", "revision": 7}]),
        counted.upsert({"text": "b", "revision": 7}),
    ):
        with pytest.raises(TypeError, match="the version counts itself up"):
            await write


@pytest.mark.unhappy
@pytest.mark.parametrize(("kind", "model"), KINDS)
async def test_what_another_changed_is_not_deleted_by_what_was_read_before(
    committed_database: Database, kind: Any, model: Any
) -> None:
    async with committed_database.session() as first, committed_database.session() as second:
        row = await kind(first).add(model(text="a"))
        await first.commit()
        await kind(second).update(row.id, {"text": "b"})
        await second.commit()
        with pytest.raises(StaleError):
            await kind(first).delete(row)
        await first.rollback()
        assert await kind(second).exists(model.text == "b")
