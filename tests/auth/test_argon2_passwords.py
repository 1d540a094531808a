"""bedplate.auth.argon2_passwords"""

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import argon2
import pytest

from bedplate.auth.argon2_passwords import Argon2Hasher, BcryptFirst
from bedplate.auth.passwords import BcryptHasher
from bedplate.errors import (
    ConfigurationError,
    HasherBusyError,
    InvalidCredentialsError,
    WeakPasswordError,
)

PASSWORD = "kite-lantern-41-otter"

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
def argon() -> Any:
    made = Argon2Hasher(memory=8192, passes=1, former=BcryptHasher(4), workers=2, queue_size=20)
    yield made
    made.close()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Which hashes are computed, by either function."""
    calls: list[str] = []
    for name in ("hash", "verify"):
        original = getattr(argon2.PasswordHasher, name)

        def counting(*args: Any, _name: str = name, _original: Any = original, **more: Any) -> Any:
            calls.append(_name)
            return _original(*args, **more)

        monkeypatch.setattr(argon2.PasswordHasher, name, counting)
    return calls


async def test_a_password_is_known_again_however_it_is_composed(argon: Argon2Hasher) -> None:
    stored = await argon.hash("Caf\u00e9-lantern-41-otter")
    assert stored.startswith("$argon2id$")
    check = await argon.verify("Cafe\u0301-lantern-41-otter", stored)
    assert (check.ok, check.needs_rehash) == (True, False)


async def test_a_login_moves_an_account_from_bcrypt_to_argon2(
    world: "World", argon: Argon2Hasher
) -> None:
    user = await world.register()
    assert user.password_hash.startswith("$bedplate$1$")
    service = world.serve(argon)
    for _ in range(2):
        await service.log_in(user.email, PASSWORD)
        [row] = await world.run("SELECT password_hash FROM users")
        assert row.password_hash.startswith("$argon2id$")


STRANGE = {
    "no account": None,
    "empty": "",
    "prefix alone": "$argon2id$",
    "Argon2i": argon2.PasswordHasher(memory_cost=8192, type=argon2.Type.I).hash(PASSWORD),
    "cut": "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ",
    "absurd cost": "$argon2id$v=19$m=x,t=1,p=1$c29tZXNhbHQ$AAAA",
    "not ASCII": "$argon2id$é",
    "plain text": PASSWORD,
}


@pytest.mark.unhappy
@pytest.mark.parametrize("stored", STRANGE.values(), ids=STRANGE.keys())
async def test_what_is_no_hash_of_ours_costs_one_hash_and_is_refused(
    computed: Any, stored: str | None
) -> None:
    alone = Argon2Hasher(memory=8192, passes=1)
    assert not (await alone.verify(PASSWORD, stored)).ok
    assert len(computed) == 1
    alone.close()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password",
    ["", "wrong", PASSWORD + "\0", "x" * 73, "x" * 1025, "x" * 1_000_000, "\ud800"],
    ids=["empty", "wrong", "NUL", "73 bytes", "1,025 bytes", "1 MB", "surrogate"],
)
async def test_every_wrong_password_costs_one_hash(
    argon: Argon2Hasher, computed: Any, password: str
) -> None:
    stored = await argon.hash(PASSWORD)
    for known in (stored, None):
        computed.clear()
        assert not (await argon.verify(password, known)).ok
        assert len(computed) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513, "\ud800"])
async def test_refuses_to_hash_what_is_too_long_or_no_text(
    argon: Argon2Hasher, password: str
) -> None:
    with pytest.raises(WeakPasswordError):
        await argon.hash(password)


@pytest.mark.unhappy
async def test_hashes_are_made_anew_only_upward(argon: Argon2Hasher) -> None:
    cheap = await argon.hash(PASSWORD)
    dear = Argon2Hasher(memory=16_384, passes=1)
    assert (await dear.verify(PASSWORD, cheap)).needs_rehash
    assert not (await argon.verify(PASSWORD, await dear.hash(PASSWORD))).needs_rehash
    assert not (await dear.verify("wrong", cheap)).needs_rehash
    dear.close()


@pytest.mark.unhappy
async def test_a_full_queue_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(argon2.PasswordHasher, "hash", lambda *_: release.wait() and "hash")
    narrow = Argon2Hasher(memory=8192, passes=1, queue_size=1)
    waiting = [asyncio.ensure_future(narrow.hash(PASSWORD)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(HasherBusyError):
        await narrow.verify(PASSWORD, None)
    release.set()
    assert await asyncio.gather(*waiting) == ["hash", "hash"]
    narrow.close()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings", [{"memory": 8191}, {"passes": 0}, {"workers": 0}, {"queue_size": -1}]
)
def test_refuses_to_be_cheap(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        Argon2Hasher(**settings)


@pytest.mark.unhappy
async def test_an_unverified_account_signs_in_only_where_that_is_allowed(
    world: "World", argon: Argon2Hasher, computed: Any
) -> None:
    """And is refused at the price of a wrong password, with the same words."""
    await world.register(password_hash=await argon.hash(PASSWORD))
    computed.clear()
    strict = world.serve(argon, verified_only=True)
    with pytest.raises(InvalidCredentialsError):
        await strict.log_in("ada@example.com", PASSWORD)
    assert len(computed) == 1
    assert await world.serve(argon).log_in("ada@example.com", PASSWORD)
    await world.run("UPDATE users SET is_verified = true")
    assert await strict.log_in("ada@example.com", PASSWORD)


async def test_on_the_way_back_to_bcrypt_everybody_still_logs_in(
    world: "World", argon: Argon2Hasher
) -> None:
    user = await world.register(password_hash=await argon.hash(PASSWORD))
    other = await world.register("eve@example.com")
    service = world.serve(BcryptFirst(world.hasher, argon))
    for email in (user.email, other.email):
        assert await service.log_in(email, PASSWORD)
    stored = await world.run("SELECT password_hash FROM users ORDER BY email")
    assert [row.password_hash for row in stored] == [user.password_hash, other.password_hash]


@pytest.mark.unhappy
@pytest.mark.parametrize("password", ["wrong", "x" * 73, "x" * 1025, ""])
async def test_before_the_move_a_refusal_costs_one_hash_of_either_kind(
    argon: Argon2Hasher, hasher: BcryptHasher, computed: Any, password: str
) -> None:
    stored = await argon.hash(PASSWORD)
    computed.clear()
    both = BcryptFirst(hasher, argon)
    assert not (await both.verify(password, stored)).ok
    assert len(computed) == 1
    assert not (await both.verify(password, None)).ok
    assert len(computed) == 1, "nobody's password costs what most cost: bcrypt"
    assert (await both.hash(PASSWORD)).startswith("$bedplate$1$2b$")
