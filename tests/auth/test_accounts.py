"""bedplate.auth.accounts"""

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from bedplate.errors import DuplicateError

EMAIL = "ada@example.com"

if TYPE_CHECKING:
    from tests.auth.conftest import World


async def stored(world: "World", user: Any) -> Any:
    [row] = await world.run(
        "SELECT password_hash, token_version FROM users WHERE id = :id", id=user.id
    )
    return tuple(row)


async def test_an_account_is_found_however_its_address_is_spelled(world: "World") -> None:
    user = await world.register()
    async with world.uow() as uow:
        for spelling in (EMAIL, "ADA@Example.com", " ada@example.com "):
            found = await uow.users.find_by_email(spelling)
            assert found is not None
            assert found.id == user.id


async def test_a_new_password_begins_the_next_version(world: "World") -> None:
    user = await world.register(password_hash="old")
    async with world.uow() as uow:
        assert await uow.users.change_password(user.id, version=1, new="new") == 2
        await uow.commit()
    assert await stored(world, user) == ("new", 2)


async def test_a_better_hash_of_the_same_password_does_not(world: "World") -> None:
    user = await world.register(password_hash="old")
    async with world.uow() as uow:
        assert await uow.users.rehash_password(user.id, old="old", new="better")
        await uow.commit()
    assert await stored(world, user) == ("better", 1)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "email",
    ["eve@example.com", "", "ada", "ada@example.com\0", "a" * 10_000, "\ud800"],
    ids=["other", "empty", "no address", "NUL", "long", "surrogate"],
)
async def test_other_addresses_and_no_addresses_find_nothing(world: "World", email: str) -> None:
    await world.register()
    async with world.uow() as uow:
        assert await uow.users.find_by_email(email) is None


@pytest.mark.unhappy
async def test_two_accounts_never_share_an_address(world: "World") -> None:
    await world.register()
    with pytest.raises((DuplicateError, IntegrityError)):
        await world.register()


@pytest.mark.unhappy
async def test_a_hash_that_was_replaced_is_not_replaced_again(world: "World") -> None:
    user = await world.register(password_hash="newer")
    async with world.uow() as uow:
        assert not await uow.users.rehash_password(user.id, old="old", new="better")
        await uow.commit()
    assert await stored(world, user) == ("newer", 1)


@pytest.mark.unhappy
@pytest.mark.parametrize("version", [0, 2])
async def test_a_password_is_not_changed_from_another_version(world: "World", version: Any) -> None:
    user = await world.register(password_hash="old")
    async with world.uow() as uow:
        assert await uow.users.change_password(user.id, version=version, new="new") is None
        await uow.commit()
    assert await stored(world, user) == ("old", 1)


@pytest.mark.unhappy
async def test_an_unknown_account_has_no_password_to_change(world: "World") -> None:
    async with world.uow() as uow:
        assert await uow.users.change_password(uuid4(), version=1, new="new") is None
        assert not await uow.users.rehash_password(uuid4(), old="old", new="new")


@pytest.mark.unhappy
async def test_of_two_changes_from_the_same_version_one_is_made(crowd: "World") -> None:
    user = await crowd.register(password_hash="old")

    async def change(new: Any) -> Any:
        async with crowd.uow() as uow:
            version = await uow.users.change_password(user.id, version=1, new=new)
            await uow.commit()
        return version

    changed = await asyncio.gather(*(change(str(number)) for number in range(10)))
    assert sorted(changed, key=str) == [2] + [None] * 9
    assert await stored(crowd, user) == (str(changed.index(2)), 2)
