"""bedplate.auth.refresh_tokens"""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from bedplate.auth.keys import generate_secret
from bedplate.auth.refresh_tokens import NONCE_LENGTH, RefreshTokens, hash_token
from bedplate.errors import ConfigurationError

SECRET = generate_secret()
NONCE = b"n" * NONCE_LENGTH


def hashed(token: str) -> bytes:
    value = hash_token(token)
    assert value is not None
    return value


def test_the_same_token_and_nonce_give_the_same_successor() -> None:
    tokens = RefreshTokens.from_secret(SECRET)
    token = tokens.new()
    successor = tokens.successor(token, NONCE)
    assert hash_token(successor) == hashlib.sha256(successor.encode()).digest()
    assert tokens.recognise(token, NONCE, hashed(successor)) == successor


def test_a_successor_from_before_a_change_of_the_secret_is_recognised() -> None:
    before = RefreshTokens.from_secret(SECRET)
    token = before.new()
    successor = before.successor(token, NONCE)
    after = RefreshTokens.from_secret(generate_secret(), previous=[SECRET])
    assert after.recognise(token, NONCE, hashed(successor)) == successor


@pytest.mark.unhappy
def test_a_dump_of_the_database_yields_no_successor() -> None:
    """Neither nonce and hashes nor another key give it; the predecessor is needed too."""
    tokens = RefreshTokens.from_secret(SECRET)
    token = tokens.new()
    successor_hash = hashed(tokens.successor(token, NONCE))
    assert (
        RefreshTokens.from_secret(generate_secret()).recognise(token, NONCE, successor_hash) is None
    )
    assert tokens.recognise(tokens.new(), NONCE, successor_hash) is None


@pytest.mark.unhappy
def test_nothing_repeats_unless_everything_does() -> None:
    tokens = RefreshTokens.from_secret(SECRET)
    first, second = tokens.new(), tokens.new()
    made = {
        tokens.successor(token, nonce) for token in (first, second) for nonce in (NONCE, b"m" * 16)
    }
    assert len(made | {first, second}) == 6


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 42 + "=",
        "A" * 41 + "+A",
        "é" * 43,
        "A" * 43 + "\n",
        "A" * 42 + "\0",
        "\ud800" * 43,
        "٣" * 43,
    ],
)
def test_what_cannot_be_a_token_has_no_hash(token: Any) -> None:
    assert hash_token(token) is None


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "times",
    [
        {"grace": timedelta(seconds=-1)},
        {"grace": timedelta(days=14)},
        {"idle": timedelta(0)},
        {"idle": timedelta(days=91)},
        {"absolute": timedelta(days=13)},
    ],
)
def test_refuses_impossible_times(times: Any) -> None:
    with pytest.raises(ConfigurationError):
        RefreshTokens([b"k" * 32], **times)
    with pytest.raises(ConfigurationError):
        RefreshTokens([])


@pytest.mark.unhappy
def test_no_repr_shows_a_key() -> None:
    assert "cAnArY" not in repr(RefreshTokens([b"cAnArY"]))
