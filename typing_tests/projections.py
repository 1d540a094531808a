"""Projections: what each read gives, for every kind of schema."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, assert_type
from uuid import UUID

from pydantic import BaseModel
from typing_tests.models import NOBODY, User, UserRepository

from bedplate.pagination import CursorPage, CursorParams, Page, PageParams
from bedplate.repositories import Found, Projection
from bedplate.schemas import Schema


class UserRow(Schema):
    """A schema of the library."""

    email: str


class UserModel(BaseModel):
    """Any pydantic model."""

    email: str


@dataclass(frozen=True)
class UserData:
    """A dataclass."""

    email: str


class UserTuple(NamedTuple):
    """A NamedTuple."""

    id: UUID
    email: str


async def reads(users: UserRepository) -> None:
    """Each read of a repository, with the schema in place of the model."""
    rows = users.select_as(UserRow)
    assert_type(rows, Projection[UserRow])
    assert_type(await rows.get(NOBODY), UserRow)
    assert_type(await rows.find(NOBODY), UserRow | None)
    assert_type(await rows.first(User.age > 1), UserRow | None)
    assert_type(await rows.one(), UserRow)
    assert_type(await rows.list(), Sequence[UserRow])
    assert_type(rows.stream(), AsyncIterator[UserRow])
    assert_type(await rows.get_many([NOBODY]), Found[UserRow])
    assert_type(await rows.page(PageParams()), Page[UserRow])
    assert_type(await rows.cursor_page(CursorParams()), CursorPage[UserRow])
    assert_type(rows.locked(), Projection[UserRow])


async def schemas(users: UserRepository) -> None:
    """Every kind of schema."""
    assert_type(await users.select_as(UserModel).get(NOBODY), UserModel)
    assert_type(await users.select_as(UserData).get(NOBODY), UserData)
    assert_type(await users.select_as(UserTuple).get(NOBODY), UserTuple)


async def columns(users: UserRepository) -> None:
    """Columns become tuples of their types, up to six; more become a tuple of anything."""
    assert_type(await users.select_columns(User.id).get(NOBODY), tuple[UUID])
    pairs = users.select_columns(User.email, User.age)
    assert_type(pairs, Projection[tuple[str, int | None]])
    assert_type(await pairs.list(), Sequence[tuple[str, int | None]])
    assert_type(await pairs.cursor_page(CursorParams()), CursorPage[tuple[str, int | None]])
    six = (User.id, User.id, User.id, User.id, User.id, User.email)
    assert_type(
        await users.select_columns(*six).get(NOBODY), tuple[UUID, UUID, UUID, UUID, UUID, str]
    )
    assert_type(await users.select_columns(*six, User.age).get(NOBODY), tuple[Any, ...])


async def refused(users: UserRepository) -> None:
    """What would fail at run time fails here first."""
    users.select_as(int)  # type: ignore[type-var] # no schema
    users.select_as(User)  # type: ignore[type-var] # the model is no schema of itself
    users.select_as(UserData("a"))  # type: ignore[arg-type] # a class is wanted, no instance
    users.select_columns("email")  # type: ignore[call-overload] # an attribute is wanted
    rows = users.select_as(UserRow)
    rows.add  # type: ignore[attr-defined] # it only reads
    rows.upsert  # type: ignore[attr-defined] # it only reads
    rows.with_options  # type: ignore[attr-defined] # options are for entities
    (await rows.find(NOBODY)).email  # type: ignore[union-attr] # it may be None
    (await rows.get(NOBODY)).age  # type: ignore[attr-defined] # it was not selected
