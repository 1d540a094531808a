"""The parts of signing in, as the settings say."""

import secrets
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bedplate.auth import configured
from bedplate.auth.argon2_passwords import Argon2Hasher, BcryptFirst
from bedplate.auth.asymmetric_keys import asymmetric_key, generate_private_key, public_pem
from bedplate.auth.breached_passwords import BreachedPasswords
from bedplate.auth.keys import KeyState, generate_secret
from bedplate.auth.settings import AuthSettings
from bedplate.auth.throttle import Throttle
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.errors import ConfigurationError, ThrottledError
from bedplate.settings import load_settings


def settings(**given: Any) -> AuthSettings:
    base = {"environment": "production", "database_url": "postgresql://x@localhost/x"}
    secret = {"secret_key": generate_secret(), "bcrypt_rounds": 4}
    return load_settings(AuthSettings, _env_file=None, **{**base, **secret, **given})


def test_a_shared_secret_signs_unless_something_else_is_said() -> None:
    old = generate_secret()
    ring = configured.key_ring(settings(secret_key_previous=[old]))
    assert [(key.algorithm, key.state) for key in ring.keys] == [
        ("HS256", KeyState.ACTIVE),
        ("HS256", KeyState.RETIRING),
    ]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("written", ["text", "one line", "file"])
def test_a_key_pair_signs_and_others_verify(tmp_path: Path, algorithm: Any, written: str) -> None:
    pems = [generate_private_key(algorithm) for _ in range(2)]
    pems.append(public_pem(asymmetric_key(generate_private_key(algorithm), algorithm)))
    given = list(pems)
    if written == "one line":
        given = [pem.replace("\n", "\\n") for pem in pems]
    if written == "file":
        given = [str(tmp_path / f"{number}.pem") for number in range(3)]
        for path, pem in zip(given, pems, strict=True):
            Path(path).write_text(pem, encoding="ascii")
    made = settings(
        token_algorithm=algorithm,
        token_key=given[0],
        token_keys_pending=given[1],
        token_keys_retiring=given[2],
    )
    ring = configured.key_ring(made)
    assert [key.state for key in ring.keys] == [
        KeyState.ACTIVE,
        KeyState.PENDING,
        KeyState.RETIRING,
    ]
    tokens = configured.access_tokens(made, ring, name="shop")
    subject = uuid4()
    assert tokens.verify(tokens.issue(subject, uuid4(), 1).token).subject == subject


async def test_either_kind_of_hash_is_known_whichever_is_made() -> None:
    hashers = [
        configured.password_hasher(settings(password_hash=kind, argon2_memory=8192))
        for kind in ("bcrypt", "argon2")
    ]
    assert [type(hasher) for hasher in hashers] == [BcryptFirst, Argon2Hasher]
    for first in hashers:
        stored = await first.hash("kite-lantern-41-otter")
        for second in hashers:
            assert (await second.verify("kite-lantern-41-otter", stored)).ok
    for hasher in hashers:
        hasher.close()


@pytest.mark.unhappy
async def test_a_wrong_password_is_wrong_for_either_kind_of_hash() -> None:
    hashers = [
        configured.password_hasher(settings(password_hash=kind, argon2_memory=8192))
        for kind in ("bcrypt", "argon2")
    ]
    for first in hashers:
        stored = await first.hash("kite-lantern-41-otter")
        for second in hashers:
            answer = await second.verify("kite-lantern-41-otteR", stored)
            assert (answer.ok, answer.needs_rehash) == (False, False)
    for hasher in hashers:
        hasher.close()


@pytest.mark.unhappy
async def test_every_limit_is_a_setting() -> None:
    limits = {"per_network": 3, "per_account": 2, "per_account_and_network": 1, "seconds": 60}
    for action in ("login", "mail"):
        given = {f"{action}_attempts_{name}": limit for name, limit in limits.items()}
        throttle: Any = configured.throttle(settings(**given), LimitsThrottleStore(), action)
        assert await admitted(throttle, "ada@example.com", "192.0.2.1") == 1
        assert await admitted(throttle, "ada@example.com", None) == 1
        assert await admitted(throttle, "eve@example.com", "192.0.2.2") == 1
        assert await admitted(throttle, "bob@example.com", "192.0.2.2") == 1


async def admitted(throttle: Throttle, email: str, address: str | None) -> int:
    """Try until it is refused, and give how often it was not."""
    for number in range(100):
        try:
            await throttle.admit(email, address)
        except ThrottledError:
            return number
    return 100


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"token_algorithm": "ES256"}, "TOKEN_KEY is missing"),
        ({"token_key": "x"}, "TOKEN_KEY is set, but TOKEN_ALGORITHM is HS256"),
        ({"token_keys_retiring": "x"}, "TOKEN_KEYS_RETIRING is set"),
        ({"session_idle_days": 30, "session_absolute_days": 20}, "SESSION_ABSOLUTE_DAYS is less"),
        ({"access_token_seconds": 601}, "ACCESS_TOKEN_SECONDS"),
        ({"refresh_grace_seconds": 61}, "REFRESH_GRACE_SECONDS"),
        ({"session_cache_seconds": 61}, "SESSION_CACHE_SECONDS"),
        ({"password_minimum_length": 7}, "PASSWORD_MINIMUM_LENGTH"),
        ({"bcrypt_rounds": 3}, "BCRYPT_ROUNDS"),
        ({"argon2_memory": 1}, "ARGON2_MEMORY"),
        ({"api_key_prefix": "Key_"}, "API_KEY_PREFIX"),
        ({"site_url": "app.example.com"}, "SITE_URL"),
        ({"breach_check_url": "ftp://example.com"}, "BREACH_CHECK_URL"),
        ({"mail_attempts_seconds": 0}, "MAIL_ATTEMPTS_SECONDS"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        settings(**given)


@pytest.mark.unhappy
@pytest.mark.parametrize("variable", ["token_key", "token_keys_pending", "token_keys_retiring"])
@pytest.mark.parametrize("kind", ["missing", "no PEM", "of another kind", "not text", "a folder"])
def test_a_key_that_cannot_be_used_is_told_by_its_variable_and_not_shown(
    tmp_path: Path, variable: str, kind: str
) -> None:
    path = tmp_path / f"canary-{secrets.token_hex(4)}.pem"
    if kind == "a folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(
            {
                "no PEM": b"-----BEGIN canary-----",
                "of another kind": generate_private_key("RS256").encode(),
                "not text": b"\xff\xfe",
            }[kind]
        )
    given = {"token_key": generate_private_key(), variable: str(path)}
    made = settings(token_algorithm="ES256", **given)
    with pytest.raises(ConfigurationError, match=rf"\b{variable.upper()}\b") as caught:
        configured.key_ring(made)
    assert "canary" not in str(caught.value)


@pytest.mark.unhappy
def test_without_its_extra_a_setting_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bedplate.auth.argon2_passwords", None)
    monkeypatch.setitem(__import__("sys").modules, "bedplate.auth.breached_passwords", None)
    with pytest.raises(ConfigurationError, match="PASSWORD_HASH is argon2, but"):
        configured.password_hasher(settings(password_hash="argon2"))
    with pytest.raises(ConfigurationError, match="BREACH_CHECK is set, but"):
        configured.breach_list(settings(breach_check=True))
    bcrypt_alone = configured.password_hasher(settings())
    bcrypt_alone.close()
    assert type(bcrypt_alone).__name__ == "BcryptHasher"


@pytest.mark.unhappy
async def test_nobody_is_asked_for_breaches_unless_that_is_set() -> None:
    assert configured.breach_list(settings()) is None
    asked = configured.breach_list(settings(breach_check=True))
    assert isinstance(asked, BreachedPasswords)
    await asked.close()
    assert configured.session_cache(settings()) is None
    assert configured.session_cache(settings(session_cache_seconds=0.5)) is not None
