"""bedplate.auth.throttle and its two stores"""

import asyncio
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bedplate.auth.keys import generate_secret
from bedplate.auth.passwords import PasswordCheck
from bedplate.auth.throttle import Hit, Limit, Limits, Throttle, network_of
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.errors import (
    ConfigurationError,
    InvalidCredentialsError,
    ThrottledError,
    UnavailableError,
    WrongPasswordError,
)
from bedplate.testing import Outbox

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"
MINUTE = timedelta(minutes=1)
LIMITS = Limits(
    network=Limit(12, 15 * MINUTE), account_and_network=Limit(3, 15 * MINUTE), account=Limit(6, 15 * MINUTE)
)  # fmt: skip
ADDRESS = "203.0.113.7"

if TYPE_CHECKING:
    from tests.auth.conftest import World


class CountingHasher:
    """Knows one password, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def hash(self, password: str) -> str:
        return password

    async def verify(self, password: str, stored: str | None) -> PasswordCheck:
        self.asked += 1
        await asyncio.sleep(0)
        return PasswordCheck(ok=stored is not None and password == PASSWORD)


@pytest.fixture(params=["PostgreSQL", "memory"])
def store(request: pytest.FixtureRequest, world: "World") -> Any:
    return world.counters() if request.param == "PostgreSQL" else LimitsThrottleStore()


@pytest.fixture
def throttle(store: Any) -> Throttle:
    return Throttle.from_secret(store, generate_secret(), action="log in", limits=LIMITS)


async def admitted(throttle: Throttle, email: str, address: str | None, times: int) -> int:
    """Try so often, and give how often it was allowed."""
    waits = []
    for _ in range(times):
        try:
            await throttle.admit(email, address)
        except ThrottledError as error:
            waits.append(error.retry_after)
    assert all(1 <= wait <= 900 for wait in waits)
    return times - len(waits)


async def test_who_knows_the_password_begins_anew(world: "World", throttle: Throttle) -> None:
    await world.register()
    service = world.serve(throttle=throttle)
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(InvalidCredentialsError):
                await service.log_in(EMAIL, "wrong", address=ADDRESS)
        await service.log_in(EMAIL, PASSWORD, address=ADDRESS)


async def test_an_office_of_people_who_know_their_passwords_is_never_refused(
    world: "World", throttle: Throttle
) -> None:
    """Twenty log in from a network that has twelve attempts; failures still add up."""
    await world.register()
    service = world.serve(CountingHasher(), throttle=throttle)
    for _ in range(20):
        await service.log_in(EMAIL, PASSWORD, address=ADDRESS)
    passed = [await admitted(throttle, f"user{n}@example.com", ADDRESS, 1) for n in range(20)]
    assert sum(passed) == 12


async def test_attempts_come_back_one_by_one(world: "World") -> None:
    """Nobody is locked out: with 3 in 15 minutes, the next is allowed after 5."""
    throttle = Throttle(world.counters(), b"k", action="a", limits=LIMITS)
    assert await admitted(throttle, EMAIL, ADDRESS, 5) == 3
    await world.run("UPDATE throttle SET empty_at = empty_at - interval '4 minutes 50 seconds'")
    with pytest.raises(ThrottledError) as caught:
        await throttle.admit(EMAIL, ADDRESS)
    assert 1 <= caught.value.retry_after <= 10
    await world.run("UPDATE throttle SET empty_at = empty_at - interval '10 seconds'")
    assert await admitted(throttle, EMAIL, ADDRESS, 5) == 1


async def test_empty_counters_are_deleted_in_batches(world: "World") -> None:
    store = world.counters()
    throttle = Throttle(store, b"k", action="a", limits=LIMITS)
    await throttle.admit(EMAIL, ADDRESS)
    assert await store.delete_expired() == 0
    await world.run("UPDATE throttle SET empty_at = now()")
    assert [await store.delete_expired(limit=2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.unhappy
async def test_an_account_from_one_network_has_its_limit_whether_it_exists_or_not(
    world: "World", throttle: Throttle
) -> None:
    await world.register()
    hasher = CountingHasher()
    service = world.serve(hasher, throttle=throttle)
    for email in (EMAIL, "nobody@example.com"):
        answers = []
        for _ in range(5):
            with pytest.raises((InvalidCredentialsError, ThrottledError)) as caught:
                await service.log_in(email, "wrong", address=ADDRESS)
            answers.append(caught.value.code)
        assert answers == ["invalid_credentials"] * 3 + ["too_many_requests"] * 2
    assert hasher.asked == 6


@pytest.mark.unhappy
async def test_even_the_right_password_is_refused_beyond_the_limit(
    world: "World", throttle: Throttle
) -> None:
    await world.register()
    hasher = CountingHasher()
    service = world.serve(hasher, throttle=throttle)
    await admitted(throttle, EMAIL, ADDRESS, 3)
    with pytest.raises(ThrottledError):
        await service.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert hasher.asked == 0
    await service.log_in(EMAIL, PASSWORD, address="198.51.100.1")


@pytest.mark.unhappy
async def test_another_spelling_is_the_same_account(throttle: Throttle) -> None:
    spellings = ["Ada@Example.com", " ada@EXAMPLE.com ", "ada@example.com"]
    passed = [await admitted(throttle, email, ADDRESS, 2) for email in spellings]
    assert sum(passed) == 3


@pytest.mark.unhappy
async def test_an_account_has_a_limit_over_all_networks(throttle: Throttle) -> None:
    passed = [await admitted(throttle, EMAIL, f"203.0.113.{host}", 2) for host in range(10)]
    assert sum(passed) == 6


@pytest.mark.unhappy
async def test_a_network_has_a_limit_over_all_accounts(throttle: Throttle) -> None:
    passed = [await admitted(throttle, f"user{n}@example.com", ADDRESS, 1) for n in range(20)]
    assert sum(passed) == 12
    assert await admitted(throttle, "other@example.com", "198.51.100.1", 1) == 1


@pytest.mark.unhappy
async def test_who_knows_one_password_guesses_no_others_for_it(
    world: "World", throttle: Throttle
) -> None:
    """An own account gives the network back what its own login took, and nothing more."""
    await world.register()
    service = world.serve(CountingHasher(), throttle=throttle)
    passed = 0
    for number in range(20):
        passed += await admitted(throttle, f"user{number}@example.com", ADDRESS, 1)
        with suppress(ThrottledError):
            await service.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert passed == 12


@pytest.mark.unhappy
async def test_giving_back_what_was_never_counted_gives_no_credit(store: Any) -> None:
    hit = Hit("k", Limit(2, 15 * MINUTE))
    for _ in range(3):
        await store.give_back(hit)
    assert [await store.hit([hit]) == 0 for _ in range(4)] == [True, True, False, False]


@pytest.mark.unhappy
async def test_who_is_refused_does_not_use_up_what_others_have(throttle: Throttle) -> None:
    """Forty attempts from one network take three of the account's six, and no more."""
    assert await admitted(throttle, EMAIL, ADDRESS, 40) == 3
    assert await admitted(throttle, EMAIL, "198.51.100.1", 40) == 3


@pytest.mark.unhappy
@pytest.mark.parametrize("email", ["", "\0", "\ud800", "x" * 1_000_000, "no address", "é" * 300])
async def test_whatever_is_typed_is_counted(throttle: Throttle, email: str) -> None:
    assert await admitted(throttle, email, ADDRESS, 5) == 3
    assert await admitted(throttle, email, None, 5) == 3


@pytest.mark.unhappy
async def test_unknown_addresses_are_no_network_that_locks_others_out(throttle: Throttle) -> None:
    """Only the account's own limit counts, whose attempts a login gives back."""
    assert await admitted(throttle, EMAIL, None, 10) == 6
    assert await admitted(throttle, "other@example.com", None, 4) == 4
    await throttle.forgive(EMAIL, None)
    assert await admitted(throttle, EMAIL, ADDRESS, 3) == 3
    assert await admitted(throttle, EMAIL, None, 5) == 3


@pytest.mark.unhappy
async def test_actions_and_secrets_are_counted_apart(store: Any) -> None:
    secret = generate_secret()
    for made in (
        Throttle.from_secret(store, secret, action="log in", limits=LIMITS),
        Throttle.from_secret(store, secret, action="mail", limits=LIMITS),
        Throttle.from_secret(store, generate_secret(), action="mail", limits=LIMITS),
    ):
        assert await admitted(made, EMAIL, None, 8) == 6


@pytest.mark.unhappy
async def test_of_40_wrong_logins_at_once_exactly_the_limit_is_hashed(crowd: "World") -> None:
    await crowd.register()
    stores: Sequence[Any] = [crowd.counters(), LimitsThrottleStore()]
    for store in stores:
        for _ in range(10):
            hasher = CountingHasher()
            throttle = Throttle.from_secret(store, generate_secret(), action="a", limits=LIMITS)
            service = crowd.serve(hasher, throttle=throttle)
            answers = await asyncio.gather(
                *(service.log_in(EMAIL, "wrong", address=ADDRESS) for _ in range(40)),
                return_exceptions=True,
            )
            refused = [answer for answer in answers if isinstance(answer, ThrottledError)]
            wrong = [answer for answer in answers if isinstance(answer, InvalidCredentialsError)]
            assert (hasher.asked, len(wrong), len(refused)) == (3, 3, 37)


@pytest.mark.unhappy
async def test_attempts_and_successes_at_once_never_deadlock(crowd: "World") -> None:
    await crowd.register()
    throttle = Throttle(crowd.counters(), b"k", action="a")
    service = crowd.serve(CountingHasher(), throttle=throttle)
    for _ in range(5):
        answers = await asyncio.gather(
            *(service.log_in(EMAIL, PASSWORD, address=ADDRESS) for _ in range(8)),
            return_exceptions=True,
        )
        kinds = {type(answer).__name__ for answer in answers}
        assert kinds <= {"TokenPair", "ThrottledError"}


@pytest.mark.unhappy
@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_mails_are_throttled_whether_there_is_an_account_or_not(
    world: "World", throttle: Throttle, email: str
) -> None:
    await world.register()
    outbox = Outbox()
    service = world.confirm(outbox, throttle=throttle)
    for _ in range(3):
        await service.request_password_reset(email, address=ADDRESS)
        await service.finish()  # one connection does one thing at a time
    for ask in (service.request_password_reset, service.request_verification):
        with pytest.raises(ThrottledError):
            await ask(email, address=ADDRESS)
    assert len(outbox.mails) == (3 if email == EMAIL else 0)


@pytest.mark.unhappy
async def test_who_found_a_device_open_does_not_guess_the_password_for_ever(
    world: "World", throttle: Throttle
) -> None:
    await world.register()
    _, claims = await world.log_in()
    change = world.serve(throttle=throttle).change_password
    ask = world.confirm(Outbox(), throttle=throttle).request_email_change
    for guess, address in ((change, ADDRESS), (ask, "198.51.100.1")):
        codes = []
        for _ in range(4):
            with pytest.raises((WrongPasswordError, ThrottledError)) as caught:
                await guess(claims, "wrong", "violet-theatre-9-mango@example.com", address=address)
            codes.append(caught.value.code)
        assert codes == ["wrong_password"] * 3 + ["too_many_requests"]


@pytest.mark.unhappy
async def test_counters_and_logs_name_nobody(world: "World") -> None:
    throttle = Throttle(world.counters(), b"k", action="a", limits=LIMITS)
    with structlog.testing.capture_logs() as records:
        await admitted(throttle, EMAIL, ADDRESS, 5)
    stored = await world.run("SELECT t::text FROM throttle AS t")
    assert len(stored) == 3
    for known in ("ada", "example", ADDRESS):
        assert known not in str(stored) + str(records)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::/64", "2001:db8:1:2:ffff::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.7]:4711", "203.0.113.7"),
        ("[2001:db8", "[2001:db8"),
        ("203.0.113.7:http", "203.0.113.7:http"),
        ("testclient", "testclient"),
        ("", ""),
        ("x" * 5000, "x" * 1024),
    ],
)
def test_who_changes_the_address_within_a_network_is_the_same(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.unhappy
@pytest.mark.parametrize(("attempts", "period"), [(0, MINUTE), (-1, MINUTE), (1, 0 * MINUTE)])
def test_refuses_a_limit_that_is_none(attempts: int, period: timedelta) -> None:
    with pytest.raises(ConfigurationError):
        Limit(attempts, period)


@pytest.mark.unhappy
async def test_limits_that_do_not_divide_their_period_are_exact(store: Any) -> None:
    for number, attempts in enumerate((1, 2, 6, 7, 11, 13)):
        hits = [Hit(f"key {number}", Limit(attempts, timedelta(minutes=10)))]
        waits = [await store.hit(hits) for _ in range(attempts + 2)]
        assert [wait == 0 for wait in waits] == [True] * attempts + [False] * 2
        await store.forget(hits)
        assert await store.hit(hits) == 0


@pytest.mark.unhappy
async def test_where_redis_does_not_answer_nobody_gets_uncounted_attempts() -> None:
    store = LimitsThrottleStore("redis://user:cAnArY@127.0.0.1:1/0")
    throttle = Throttle(store, b"k", action="a")
    with pytest.raises(UnavailableError) as caught:
        await throttle.admit(EMAIL, ADDRESS)
    assert "cAnArY" not in "".join(traceback.format_exception(caught.value))
    await throttle.forgive(EMAIL, ADDRESS)
