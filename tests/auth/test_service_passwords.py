"""bedplate.auth.service: passwords"""

import logging
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest
import structlog

from bedplate.auth.passwords import BcryptHasher
from bedplate.clock import utc_now
from bedplate.context import RequestContext, request_context
from bedplate.errors import (
    HasherBusyError,
    InvalidCredentialsError,
    InvalidGrantError,
    InvalidTokenError,
    StaleError,
    WeakPasswordError,
    WrongPasswordError,
)

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"
NEW_PASSWORD = "violet-theatre-9-mango"

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The rounds of each hash that is computed."""
    computed: list[int] = []
    hashpw = bcrypt.hashpw

    def counting(given: bytes, salt: bytes) -> bytes:
        computed.append(int(salt[4:6]))
        return hashpw(given, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return computed


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as captured:
        yield captured


def audits(records: Any) -> Any:
    return [record["event"] for record in records]


async def test_a_login_gives_a_pair_that_stands_for_the_account(
    world: "World", user: Any, records: Any
) -> None:
    pair = await world.service.log_in(" Ada@Example.COM", PASSWORD)
    with request_context(RequestContext("request")) as context:
        account, claims = await world.service.authenticate(pair.access_token)
    assert account.id == claims.subject == context.principal == user.id
    assert (claims.version, pair.token_type, pair.expires_in) == (1, "bearer", 600)
    assert audits(records) == ["session_opened"]


async def test_a_login_makes_an_old_hash_anew(world: "World") -> None:
    plain = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await world.register(password_hash=plain)
    await world.log_in()
    [(stored, version)] = await world.run("SELECT password_hash, token_version FROM users")
    assert stored.startswith("$bedplate$1$")
    assert version == 1
    await world.log_in()


async def test_a_new_password_ends_all_other_sessions(
    world: "World", user: Any, records: Any
) -> None:
    (other, _), (pair, claims) = await world.log_in(), await world.log_in()
    await world.service.change_password(claims, PASSWORD, NEW_PASSWORD)
    assert await world.live_sessions() == {claims.session_id}
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(other.refresh_token)
    with pytest.raises(InvalidCredentialsError):
        await world.log_in()
    assert (await world.log_in(password=NEW_PASSWORD))[1].version == 2
    renewed = await world.service.refresh(pair.refresh_token)
    assert (await world.service.authenticate(renewed.access_token)).claims.version == 2
    assert "password_changed" in audits(records)


STRANGE_LOGINS = {
    "wrong password": (EMAIL, "wrong"),
    "empty password": (EMAIL, ""),
    "password in capitals": (EMAIL, PASSWORD.upper()),
    "password with a space": (EMAIL, PASSWORD + " "),
    "password and NUL": (EMAIL, PASSWORD + "\0"),
    "password of 73 bytes": (EMAIL, "x" * 73),
    "password of 1,025 bytes": (EMAIL, "x" * 1025),
    "password of 1 MB": (EMAIL, "x" * 1_000_000),
    "password of surrogates": (EMAIL, "\ud800"),
    "unknown": ("eve@example.com", PASSWORD),
    "unknown, 1,025 bytes": ("eve@example.com", "x" * 1025),
    "no address": ("ada", PASSWORD),
    "empty address": ("", PASSWORD),
    "address with NUL": (EMAIL + "\0", PASSWORD),
    "address with line feed": (EMAIL + "\n", PASSWORD),
    "address of 1 MB": ("a" * 1_000_000 + "@example.com", PASSWORD),
    "address of surrogates": ("\ud800@example.com", PASSWORD),
    "SQL": ("' OR '1'='1", "' OR '1'='1"),
    "SQL wildcard": ("%@example.com", PASSWORD),
    "disabled": ("disabled@example.com", PASSWORD),
    "disabled, wrong": ("disabled@example.com", "wrong"),
    "no usable hash": ("sso@example.com", PASSWORD),
    "unverified": ("unverified@example.com", PASSWORD),
    "marked as deleted": ("marked@example.com", PASSWORD),
    "unverified, wrong": ("unverified@example.com", "wrong"),
} | {
    f"{kind}, {size:,} bytes": (f"{kind}@example.com", "x" * size)
    for kind in ("nobody", "disabled", "unverified")
    for size in (73, 1025)
}


@pytest.mark.unhappy
@pytest.mark.parametrize(("email", "password"), STRANGE_LOGINS.values(), ids=STRANGE_LOGINS.keys())
async def test_each_refused_login_is_the_same_and_costs_one_hash(
    world: "World", user: Any, hashes: Any, email: str, password: str
) -> None:
    await world.run("UPDATE users SET is_verified = true")
    await world.register(email="disabled@example.com", is_active=False, is_verified=True)
    await world.register(email="unverified@example.com")
    await world.register(email="marked@example.com", is_verified=True, deleted_at=utc_now())
    await world.register(email="sso@example.com", password_hash="!")
    hashes.clear()
    with pytest.raises(InvalidCredentialsError) as caught:
        await world.serve(verified_only=True).log_in(email, password)
    assert str(caught.value) == InvalidCredentialsError.default_message
    assert hashes == [4]
    assert await world.live_sessions() == set()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("current", "new", "error"),
    [
        ("wrong", NEW_PASSWORD, WrongPasswordError),
        ("", NEW_PASSWORD, WrongPasswordError),
        ("x" * 1025, NEW_PASSWORD, WrongPasswordError),
        (PASSWORD, "short", WeakPasswordError),
        (PASSWORD, "password1234", WeakPasswordError),
        (PASSWORD, EMAIL, WeakPasswordError),
        (PASSWORD, "xyz1-" * 300, WeakPasswordError),
    ],
)
async def test_a_refused_change_changes_nothing(
    world: "World", user: Any, current: Any, new: Any, error: Any
) -> None:
    (other, _), (_, claims) = await world.log_in(), await world.log_in()
    with pytest.raises(error) as caught:
        await world.service.change_password(claims, current, new)
    assert getattr(caught.value, "field", "new_password") == "new_password"
    assert len(await world.live_sessions()) == 2
    await world.service.refresh(other.refresh_token)
    assert (await world.log_in())[1].version == 1


@pytest.mark.unhappy
async def test_who_is_logged_out_changes_no_password(world: "World", user: Any) -> None:
    _, claims = await world.log_in()
    await world.service.log_out(claims)
    with pytest.raises(InvalidTokenError):
        await world.service.change_password(claims, PASSWORD, NEW_PASSWORD)


class Interrupted:
    """A hasher that lets something else happen after it has verified."""

    def __init__(self, hasher: BcryptHasher, meanwhile: Any) -> None:
        self.hash: Any = hasher.hash
        self.hasher, self.meanwhile = hasher, meanwhile

    async def verify(self, password: str, stored: Any) -> Any:
        check = await self.hasher.verify(password, stored)
        await self.meanwhile()
        return check


@pytest.mark.unhappy
async def test_a_login_that_verified_the_old_password_opens_nothing_after_the_change(
    world: "World", user: Any
) -> None:
    _, claims = await world.log_in()

    async def change() -> None:
        await world.service.change_password(claims, PASSWORD, NEW_PASSWORD)

    with pytest.raises(InvalidCredentialsError):
        await world.serve(Interrupted(world.hasher, change)).log_in(EMAIL, PASSWORD)
    assert await world.live_sessions() == {claims.session_id}


@pytest.mark.unhappy
@pytest.mark.parametrize("ending", ["log_out", "log_out_everywhere", "deactivated"])
async def test_whose_session_ends_while_hashing_changes_no_password(
    world: "World", user: Any, ending: str
) -> None:
    _, claims = await world.log_in()

    async def end() -> None:
        if ending == "deactivated":
            await world.run("UPDATE users SET is_active = false")
        else:
            await getattr(world.service, ending)(claims)

    with pytest.raises(InvalidTokenError):
        await world.serve(Interrupted(world.hasher, end)).change_password(
            claims, PASSWORD, NEW_PASSWORD
        )
    [(stored, version)] = await world.run("SELECT password_hash, token_version FROM users")
    assert (stored, version) == (user.password_hash, 1)


@pytest.mark.unhappy
async def test_of_two_changes_that_verified_the_same_password_the_second_is_stale(
    world: "World", user: Any
) -> None:
    _, claims = await world.log_in()

    async def change() -> None:
        await world.service.change_password(claims, PASSWORD, NEW_PASSWORD)

    with pytest.raises(StaleError):
        await world.serve(Interrupted(world.hasher, change)).change_password(
            claims, PASSWORD, "yet-another-word-3"
        )
    await world.log_in(password=NEW_PASSWORD)


@pytest.mark.unhappy
async def test_a_full_queue_refuses_the_login_and_stores_nothing(world: "World", user: Any) -> None:
    hasher = BcryptHasher(4)
    while hasher._pool._places.acquire(blocking=False):
        pass
    with pytest.raises(HasherBusyError):
        await world.serve(hasher).log_in(EMAIL, PASSWORD)
    hasher.close()
    assert await world.live_sessions() == set()


@pytest.mark.unhappy
async def test_a_hash_that_cannot_be_made_anew_now_does_not_stop_the_login(world: "World") -> None:
    plain = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await world.register(password_hash=plain)
    hasher = Interrupted(world.hasher, world.live_sessions)
    hasher.hash = refuse
    assert await world.serve(hasher).log_in(EMAIL, PASSWORD)
    assert await world.run("SELECT password_hash FROM users") == [(plain,)]


async def refuse(*_: Any) -> None:
    raise HasherBusyError
