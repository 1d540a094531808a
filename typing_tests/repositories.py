"""Repositories: what each read and write gives."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, assert_type

from sqlalchemy.orm import joinedload
from typing_tests.models import NOBODY, User, UserRepository

from bedplate.pagination import CursorPage, CursorParams, Page, PageParams
from bedplate.repositories import Found, Upserted, Written


async def reads(users: UserRepository) -> None:
    """A row is the model of the repository; only ``find`` and ``first`` may give None."""
    assert_type(await users.get(NOBODY), User)
    assert_type(await users.find(NOBODY), User | None)
    assert_type(await users.find_by_email("a@example.org"), User | None)
    assert_type(await users.first(User.age > 1, order_by=[User.email.desc()]), User | None)
    assert_type(await users.one(User.email == "a"), User)
    assert_type(await users.list(User.age.is_(None), limit=1), Sequence[User])
    assert_type(await users.get_many([NOBODY]), Found[User])
    assert_type((await users.get_many([NOBODY])).rows, Sequence[User])
    assert_type(users.stream(User.age > 1, order_by=[User.email]), AsyncIterator[User])
    async for user in users.stream():
        assert_type(user, User)
    assert_type(await users.exists(User.age > 1), bool)
    assert_type(await users.count(), int)


async def pages(users: UserRepository) -> None:
    """Pages carry the model, and what it is mapped to."""
    assert_type(await users.page(PageParams()), Page[User])
    assert_type(await users.cursor_page(CursorParams()), CursorPage[User])
    assert_type((await users.page(PageParams())).items, list[User])
    assert_type((await users.page(PageParams())).map(lambda user: user.email), Page[str])
    assert_type((await users.cursor_page(CursorParams())).map(id), CursorPage[int])


async def writes(users: UserRepository, user: User) -> None:
    """A changed row is given as the model, a number of rows as an integer."""
    assert_type(await users.add(user), User)
    assert_type(await users.add_many([{"email": "a"}]), Sequence[Any])
    assert_type(await users.upsert({"email": "a"}), User)
    assert_type(await users.upsert_many([{"email": "a"}]), Upserted)
    assert_type((await users.upsert_many([])).keys, Sequence[Any])
    assert_type((await users.upsert_many([])).written, int)
    assert_type(await users.add_if_missing({"email": "a"}), User | None)
    assert_type(await users.add_many_if_missing([{"email": "a"}]), Sequence[Any])
    assert_type(await users.update(user, {"email": "b"}), User)
    assert_type(await users.update_many([{"id": NOBODY, "email": "b"}]), Written)
    assert_type(await users.delete_many([NOBODY, user]), Written)
    assert_type(await users.update_where({"age": None}, User.age < 1), int)
    assert_type(await users.delete_where(User.age < 1), int)


def views(users: UserRepository) -> None:
    """A view keeps the class, and with it the methods that a service added."""
    assert_type(users.locked(skip_locked=True), UserRepository)
    assert_type(users.with_options(joinedload("*")), UserRepository)
    assert_type(users.known_by(User.email).if_changed(), UserRepository)
    assert_type(users.locked().with_options().locked(nowait=True), UserRepository)


async def refused(users: UserRepository) -> None:
    """What would fail at run time fails here first."""
    (await users.find(NOBODY)).email  # type: ignore[union-attr] # it may be None
    await users.add({"email": "a"})  # type: ignore[arg-type] # add takes an entity
    await users.update(NOBODY, [("email", "a")])  # type: ignore[arg-type] # changes are a mapping
    await users.page(CursorParams())  # type: ignore[arg-type] # a cursor is not an offset
    await users.cursor_page(PageParams())  # type: ignore[arg-type] # and the other way round
    await users.list("email")  # type: ignore[arg-type] # a condition is no text
    await users.list(limit="1")  # type: ignore[arg-type] # a limit is a number
    users.known_by("email")  # type: ignore[arg-type] # an attribute is wanted
    await users.upsert(User(email="a"))  # type: ignore[arg-type] # an upsert takes values
    (await users.add_if_missing({})).email  # type: ignore[union-attr] # it may be there already
    users.locked(True)  # type: ignore[call-arg] # flags have names
