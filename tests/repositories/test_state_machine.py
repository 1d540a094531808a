"""The repository against a plain model of what it should do, on PostgreSQL, by random steps."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import MetaData, delete, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from tests.repositories.library import CODEC

from bedplate.database import Database
from bedplate.errors import DuplicateError, NotFoundError, StaleError
from bedplate.models import (
    NAMING_CONVENTION,
    Base,
    SoftDeleteMixin,
    UUIDv7Mixin,
    VersionMixin,
    unique_while_present,
    uuid7,
)
from bedplate.pagination import CursorParams
from bedplate.repositories import SoftDeleteRepository, Sortable


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Item(UUIDv7Mixin, SoftDeleteMixin, VersionMixin, Model):
    __tablename__ = "items"
    __table_args__ = (unique_while_present("name"),)
    name: Mapped[str]
    size: Mapped[int | None] = mapped_column()


class Items(SoftDeleteRepository[Item]):
    model = Item
    natural_key = (Item.name,)
    sortable: ClassVar[Sortable] = {"size": Item.size}


class Params(CursorParams):
    sort: Literal["size", "-size"] = "size"


@dataclass(frozen=True)
class Row:
    name: str
    size: int | None
    version: int = 1
    deleted: bool = False

    def changed(self, **values: Any) -> "Row":
        return replace(self, version=self.version + 1, **values)


NAMES = st.sampled_from("abcdef")
SIZES = st.none() | st.integers(0, 2)
VALUES = st.dictionaries(NAMES, SIZES, min_size=1, max_size=4)
PLACES = st.integers(0, 50)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


class ItemsMachine(RuleBasedStateMachine):
    """Each step is done by the repository and by the plain model, and both have to agree."""

    session: ClassVar[AsyncSession]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def refused(self, error: type[Exception], work: Coroutine[Any, Any, Any]) -> None:
        async def within_a_savepoint() -> None:
            async with self.session.begin_nested():
                await work

        with pytest.raises(error):
            self.run(within_a_savepoint())

    def present(self) -> dict[UUID, Row]:
        return {key: row for key, row in self.rows.items() if not row.deleted}

    def by_name(self, name: str) -> UUID | None:
        found = [key for key, row in self.present().items() if row.name == name]
        return found[0] if found else None

    def some_key(self, place: int) -> UUID:
        keys = [*self.rows, uuid7()]
        return keys[place % len(keys)]

    @initialize()
    def begin(self) -> None:
        self.rows: dict[UUID, Row] = {}
        self.items = Items(self.session, cursors=CODEC)
        self.run(self.session.execute(delete(Item)))

    @rule(name=NAMES, size=SIZES)
    def add(self, name: str, size: int | None) -> None:
        if self.by_name(name):
            self.refused(DuplicateError, self.items.add(Item(name=name, size=size)))
        else:
            self.rows[self.run(self.items.add(Item(name=name, size=size))).id] = Row(name, size)

    @rule(values=VALUES)
    def add_many(self, values: dict[str, int | None]) -> None:
        given = [{"name": name, "size": size} for name, size in values.items()]
        if any(self.by_name(name) for name in values):
            self.refused(DuplicateError, self.items.add_many(given))
            return
        keys = self.run(self.items.add_many(given))
        self.rows |= {k: Row(*v) for k, v in zip(keys, values.items(), strict=True)}

    @rule(values=VALUES, only_if_changed=st.booleans(), one_by_one=st.booleans())
    def upsert(
        self, values: dict[str, int | None], only_if_changed: bool, one_by_one: bool
    ) -> None:
        view = self.items.if_changed() if only_if_changed else self.items
        given = [{"name": name, "size": size} for name, size in values.items()]
        if one_by_one:
            keys = [self.run(view.upsert(row)).id for row in given]
        else:
            keys = self.run(view.upsert_many(given)).keys
        for key, (name, size) in zip(keys, values.items(), strict=True):
            there = self.by_name(name)
            if there is None:
                assert key not in self.rows
                self.rows[key] = Row(name, size)
            else:
                assert key == there
                if not (only_if_changed and self.rows[key].size == size):
                    self.rows[key] = self.rows[key].changed(size=size)

    @rule(values=VALUES)
    def add_if_missing(self, values: dict[str, int | None]) -> None:
        given = [{"name": name, "size": size} for name, size in values.items()]
        for key, row in zip(self.run(self.items.add_many_if_missing(given)), given, strict=True):
            assert (key is None) == (self.by_name(str(row["name"])) is not None)
            if key is not None:
                self.rows[key] = Row(str(row["name"]), values[str(row["name"])])

    @rule(place=PLACES, name=NAMES, size=SIZES, stale=st.booleans())
    def update(self, place: int, name: str, size: int | None, stale: bool) -> None:
        key = self.some_key(place)
        row = self.present().get(key)
        version = (row.version if row else 1) - stale
        work = self.items.update(key, {"name": name, "size": size}, version=version)
        if row is None:
            self.refused(NotFoundError, work)
        elif stale:
            self.refused(StaleError, work)
        elif self.by_name(name) not in (None, key):
            self.refused(DuplicateError, work)
        else:
            assert self.run(work).version == row.version + 1
            self.rows[key] = row.changed(name=name, size=size)

    @rule(places=st.lists(PLACES, min_size=1, max_size=4), size=SIZES)
    def update_many(self, places: list[int], size: int | None) -> None:
        keys = list(dict.fromkeys(self.some_key(place) for place in places))
        written = self.run(self.items.update_many({"id": key, "size": size} for key in keys))
        assert written.missing == [key for key in keys if key not in self.present()]
        for key in set(keys) & self.present().keys():
            self.rows[key] = self.rows[key].changed(size=size)

    @rule(size=SIZES)
    def update_where(self, size: int | None) -> None:
        met = [key for key, row in self.present().items() if row.size is None]
        assert self.run(self.items.update_where({"size": size}, Item.size.is_(None))) == len(met)
        self.rows |= {key: self.rows[key].changed(size=size) for key in met}

    @rule(place=PLACES)
    def delete(self, place: int) -> None:
        key = self.some_key(place)
        if key in self.present():
            self.run(self.items.delete(key))
            self.rows[key] = self.rows[key].changed(deleted=True)
        else:
            self.refused(NotFoundError, self.items.delete(key))

    @rule(places=st.lists(PLACES, min_size=1, max_size=3))
    def delete_many(self, places: list[int]) -> None:
        keys = list(dict.fromkeys(self.some_key(place) for place in places))
        missing = self.run(self.items.delete_many(keys)).missing
        assert missing == [key for key in keys if key not in self.present()]
        for key in set(keys) & self.present().keys():
            self.rows[key] = self.rows[key].changed(deleted=True)

    @rule(place=PLACES)
    def restore(self, place: int) -> None:
        key = self.some_key(place)
        row = self.rows.get(key)
        if row is None or not row.deleted:
            self.refused(NotFoundError, self.items.restore(key))
        elif self.by_name(row.name):
            self.refused(DuplicateError, self.items.restore(key))
        else:
            self.run(self.items.restore(key))
            self.rows[key] = row.changed(deleted=False)

    @rule(place=PLACES)
    def purge(self, place: int) -> None:
        key = self.some_key(place)
        if key in self.rows:
            self.run(self.items.purge(key))
            del self.rows[key]
        else:
            self.refused(NotFoundError, self.items.purge(key))

    @rule(limit=st.integers(1, 4), sort=st.sampled_from(["size", "-size"]))
    def walk(self, limit: int, sort: Literal["size", "-size"]) -> None:
        def place(entry: tuple[UUID, Row]) -> tuple[bool, int, UUID]:
            return entry[1].size is None, entry[1].size or 0, entry[0]

        expected = [key for key, _ in sorted(self.present().items(), key=place)]
        cursor, walked = None, []
        while True:
            params = Params(limit=limit, sort=sort, cursor=cursor)
            page = self.run(self.items.cursor_page(params))
            walked += [item.id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert walked == (expected if sort == "size" else expected[::-1])

    @rule(place=PLACES)
    def read(self, place: int) -> None:
        key = self.some_key(place)
        assert self.run(self.items.exists(Item.id == key)) == (key in self.present())
        found = self.run(self.items.get_many([key]))
        assert [item.id for item in found.rows] == ([key] if key in self.present() else [])
        assert self.run(self.items.count()) == len(self.present())
        assert self.run(self.items.only_deleted().count()) == len(self.rows) - len(self.present())

    @rule()
    def forget(self) -> None:
        self.session.expunge_all()

    @invariant()
    def all_rows_are_as_expected(self) -> None:
        listed = self.run(self.items.with_deleted().list(true()))
        found = {
            item.id: Row(item.name, item.size, item.version, item.deleted_at is not None)
            for item in listed
        }
        assert found == self.rows


@pytest.mark.unhappy
async def test_it_does_what_a_plain_model_does(database: Database) -> None:
    async with database.session() as session:
        ItemsMachine.session, ItemsMachine.loop = session, asyncio.get_running_loop()
        limits = settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        await asyncio.to_thread(run_state_machine_as_test, ItemsMachine, settings=limits)
