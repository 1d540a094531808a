"""bedplate.auth.passwords"""

import asyncio
import gc
import logging
import threading
import unicodedata
from itertools import count
from typing import Any

import bcrypt
import pytest

from bedplate.auth.passwords import BcryptHasher
from bedplate.errors import ConfigurationError, HasherBusyError, WeakPasswordError

ROUNDS = 5
PASSWORD = "kite-lantern-41-otter"


@pytest.fixture
async def hasher() -> Any:
    hasher = BcryptHasher(ROUNDS, queue_size=8)
    yield hasher
    hasher.close()


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The rounds of each hash that is computed, and the thread it is computed in."""
    computed: list[tuple[int, str]] = []
    hashpw = bcrypt.hashpw

    def counting(password: bytes, salt: bytes) -> bytes:
        computed.append((int(salt[4:6]), threading.current_thread().name))
        return hashpw(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return computed


def raw(password: str, rounds: int = ROUNDS) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(rounds)).decode()


DECOMPOSED, COMPOSED = (unicodedata.normalize(form, "Überraschung-é") for form in ("NFD", "NFC"))


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        (PASSWORD, PASSWORD),
        ("x" * 72, "x" * 72),
        ("x" * 73, "x" * 73),
        ("x" * 1024, "x" * 1024),
        ("é" * 512, "é" * 512),
        ("a\0b" * 5, "a\0b" * 5),
        (" spaces stay ", " spaces stay "),
        ("🦊" * 256, "🦊" * 256),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
    ],
)
async def test_the_right_password_is_accepted_however_it_is_typed(
    hasher: BcryptHasher, chosen: Any, typed: str
) -> None:
    check = await hasher.verify(typed, await hasher.hash(chosen))
    assert (check.ok, check.needs_rehash) == (True, False)


async def test_a_hash_says_how_it_was_made_and_never_repeats(
    hasher: BcryptHasher, hashes: Any
) -> None:
    first, second = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
    assert first.startswith(f"$bedplate$1$2b$0{ROUNDS}$")
    assert first != second
    assert {thread.rpartition("_")[0] for _, thread in hashes} == {"bedplate-hasher"}


@pytest.mark.parametrize(
    ("password", "stored"),
    [
        (PASSWORD, raw(PASSWORD).replace("2b", "2a", 1)),
        (PASSWORD, raw(PASSWORD)),
        (PASSWORD, raw(PASSWORD).replace("2b", "2y", 1)),
        ("x" * 72, raw("x" * 72)),
        (COMPOSED, raw(COMPOSED)),
        (DECOMPOSED, raw(DECOMPOSED)),
    ],
    ids=["2a", "2b", "2y", "72 bytes", "NFC", "NFD, as it was typed"],
)
async def test_hashes_of_plain_bcrypt_are_accepted_and_flagged(
    hasher: BcryptHasher, password: str, stored: Any
) -> None:
    check = await hasher.verify(password, stored)
    assert (check.ok, check.needs_rehash) == (True, True)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("stored", "typed"),
    [("x" * 72, "x" * 72 + "misspelt"), ("x" * 90, "x" * 91), ("abc", "abc\0misspelt")],
    ids=["cut at 72 bytes", "both longer", "NUL"],
)
async def test_what_plain_bcrypt_did_not_look_at_is_not_made_the_password(
    hasher: BcryptHasher, stored: str, typed: str
) -> None:
    """It may be misspelt; a hash of ours would lock out whoever types it right."""
    check = await hasher.verify(typed, raw(stored))
    assert (check.ok, check.needs_rehash) == (True, False)


@pytest.mark.parametrize(("rounds", "outdated"), [(ROUNDS - 1, True), (ROUNDS + 1, False)])
async def test_hashes_are_only_made_anew_upward(
    hasher: BcryptHasher, rounds: Any, outdated: Any
) -> None:
    other = BcryptHasher(rounds)
    check = await hasher.verify(PASSWORD, await other.hash(PASSWORD))
    other.close()
    assert (check.ok, check.needs_rehash) == (True, outdated)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("password", "other"),
    [
        (PASSWORD, PASSWORD + " "),
        (PASSWORD, PASSWORD.upper()),
        (PASSWORD, ""),
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("x" * 1024, "x" * 1023),
        ("a\0b", "a\0c"),
        ("a\0b", "a"),
    ],
)
async def test_a_password_counts_to_its_last_byte(
    hasher: BcryptHasher, password: str, other: Any
) -> None:
    assert not (await hasher.verify(other, await hasher.hash(password))).ok


HASH = BcryptHasher(ROUNDS)._hash(PASSWORD.encode())


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("password", "stored"),
    [
        ("wrong", HASH),
        (PASSWORD, None),
        ("", None),
        ("x" * 73, HASH),
        ("x" * 1024, HASH),
        ("x" * 1025, HASH),
        ("x" * 1_000_000, HASH),
        ("é" * 513, HASH),
        ("\ud800", HASH),
        ("\0", HASH),
        ("wrong", raw(PASSWORD)),
        ("x" * 73, raw(PASSWORD)),
        ("a\0b", raw(PASSWORD)),
        (PASSWORD + "\0", HASH),
        (PASSWORD, ""),
        (PASSWORD, PASSWORD),
        (PASSWORD, "!"),
        (PASSWORD, HASH[:-1]),
        (PASSWORD, HASH + "\n"),
        (PASSWORD, HASH.replace("$1$", "$2$", 1)),
        (PASSWORD, HASH.replace("$05$", "$99$")),
        (PASSWORD, HASH.replace("$05$", "$03$")),
        (PASSWORD, HASH[:39] + "z" + HASH[40:]),
        (PASSWORD, "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"),
    ],
    ids=count(),  # hashes differ from process to process
)
async def test_each_refusal_costs_exactly_one_full_hash(
    hasher: BcryptHasher, hashes: Any, password: str, stored: Any
) -> None:
    check = await hasher.verify(password, stored)
    assert (check.ok, check.needs_rehash) == (False, False)
    assert [rounds for rounds, _ in hashes] == [ROUNDS]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password",
    ["x" * 1025, "é" * 513, "x" * 10_000_000, "\udfff" * 12],
    ids=["1,025 B", "1,026 B of é", "10 MB", "surrogates"],
)
async def test_refuses_to_store_what_cannot_be_hashed_whole(
    hasher: BcryptHasher, hashes: Any, password: str
) -> None:
    with pytest.raises(WeakPasswordError):
        await hasher.hash(password)
    assert hashes == []


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bcrypt that does not return before the event is set."""
    go_on = threading.Event()
    hashpw = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", lambda *args: go_on.wait(30) and hashpw(*args))
    yield go_on
    go_on.set()


@pytest.mark.unhappy
async def test_a_full_queue_refuses_at_once_and_serves_again_later(stuck: Any) -> None:
    hasher = BcryptHasher(ROUNDS, workers=1, queue_size=2)
    waiting = [asyncio.ensure_future(hasher.verify(PASSWORD, HASH)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(HasherBusyError) as caught:
        await hasher.verify(PASSWORD, HASH)
    assert caught.value.retry_after > 0
    stuck.set()
    assert all(check.ok for check in await asyncio.gather(*waiting))
    assert (await hasher.verify(PASSWORD, HASH)).ok
    hasher.close()


@pytest.mark.unhappy
async def test_a_caller_that_goes_away_gives_its_place_back_but_not_the_busy_worker(
    stuck: Any,
) -> None:
    hasher = BcryptHasher(ROUNDS, workers=1, queue_size=1)
    running = asyncio.ensure_future(hasher.verify(PASSWORD, HASH))
    waiting = asyncio.ensure_future(hasher.verify(PASSWORD, HASH))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    again = asyncio.ensure_future(hasher.verify(PASSWORD, HASH))
    await asyncio.sleep(0)
    with pytest.raises(HasherBusyError):
        await hasher.verify(PASSWORD, HASH)
    stuck.set()
    assert [check.ok for check in await asyncio.gather(running, again)] == [True, True]
    hasher.close()


@pytest.mark.unhappy
async def test_a_closed_hasher_hashes_no_more_and_loses_no_place() -> None:
    hasher = BcryptHasher(ROUNDS, queue_size=0)
    hasher.close()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="shutdown"):
            await hasher.hash(PASSWORD)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings", [{"rounds": 3}, {"rounds": 32}, {"workers": 0}, {"queue_size": -1}]
)
def test_refuses_impossible_settings(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        BcryptHasher(**settings)


@pytest.mark.unhappy
async def test_no_error_or_log_shows_a_password(
    hasher: BcryptHasher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WeakPasswordError) as caught:
        await hasher.hash("cAnArY" * 200)
    await hasher.verify("cAnArY", HASH)
    gc.collect()
    assert "cAnArY" not in repr(caught.value) + str(vars(caught.value)) + caplog.text + repr(hasher)
