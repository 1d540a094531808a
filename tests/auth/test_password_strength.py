"""bedplate.auth.password_strength"""

import unicodedata
from importlib.resources import files

import pytest

from bedplate.auth.password_strength import (
    MINIMUM_LENGTH,
    check_password_strength,
    normalise_password,
)
from bedplate.errors import WeakPasswordError


@pytest.mark.parametrize(
    "password",
    [
        "kite-lantern-41-otter",
        "violet ocean theatre mango",
        "nine words in one row",
        "Grüße aus Tübingen",
        "vXq7Lm2pZt9w",
        "на зелёной траве",
        "x7" * 6 + "qrs",
    ],
)
def test_accepts_long_passwords_of_any_characters(password: str) -> None:
    check_password_strength(password, email="ada@example.com")


def test_the_length_counts_in_the_shortest_spelling() -> None:
    assert normalise_password("\u1fbe\u0308\u0301" * 512) == "\u0390" * 512


def test_a_name_within_a_long_password_is_fine() -> None:
    check_password_strength("ada.lovelace likes 9 orange engines", email="ada.lovelace@example.com")


@pytest.mark.unhappy
@pytest.mark.parametrize("password", ["", "short", "x7Lm2pZt9w!", "é" * 11])
def test_refuses_short_passwords(password: str) -> None:
    with pytest.raises(WeakPasswordError, match=str(MINIMUM_LENGTH)):
        check_password_strength(password)


@pytest.mark.unhappy
@pytest.mark.parametrize("password", ["xyz1-" * 205, "é1-xy" * 171, "xyz1-" * 1_000_000], ids=len)
def test_refuses_more_bytes_than_are_hashed(password: str) -> None:
    with pytest.raises(WeakPasswordError, match="1024"):
        check_password_strength(password)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password", ["a" + "\u0301\u0316" * 2047 + "b", "\u0344\u0316" * 1025, "x" * 4097]
)
def test_what_is_too_long_in_any_spelling_is_not_normalised(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """Normalising 4,096 combining characters would hold the event loop for tens of milliseconds."""
    with monkeypatch.context() as without:  # pytest normalises too
        without.delattr(unicodedata, "normalize")
        normalised = normalise_password(password)
    assert normalised is None
    with pytest.raises(WeakPasswordError, match="1024"):
        check_password_strength(password)


@pytest.mark.unhappy
def test_a_service_may_ask_for_more() -> None:
    check_password_strength("vXq7Lm2pZt9w")
    with pytest.raises(WeakPasswordError, match="15"):
        check_password_strength("vXq7Lm2pZt9w", minimum_length=15)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password123!",
        "P@ssw0rd2026",
        "passwordpassword",
        "PASSWORDPASSWORD",
        "!!!password!!!",
        "iloveyouforever",
        "qwertyuiop123",
        "letmein letmein",
        "administrator",
        "Administrator1",
        "1q2w3e4r5t6y",
        "thisisapassword",
        "sunshine2026!",
        "пароль123456",
    ],
)
def test_refuses_common_passwords_and_their_obvious_variations(password: str) -> None:
    with pytest.raises(WeakPasswordError, match="common"):
        check_password_strength(password)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password",
    ["aaaaaaaaaaaa", "abababababab", "111122223333", "abcdefghijklmn", "987654321098765"],
)
def test_refuses_repetition_and_runs(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        check_password_strength(password)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@example.com",
        "ADA.LOVELACE",
        "ada.lovelace1",
        "2026ada.lovelace!",
        "Ada.LovelaceAda",
    ],
)
def test_refuses_the_address_with_little_added(password: str) -> None:
    with pytest.raises(WeakPasswordError, match="address"):
        check_password_strength(password, email="Ada.Lovelace@example.com")


@pytest.mark.unhappy
def test_the_message_never_repeats_the_password() -> None:
    with pytest.raises(WeakPasswordError) as caught:
        check_password_strength("cAnArY")
    assert caught.value.field == "password"
    assert "cAnArY" not in repr(caught.value)


@pytest.mark.unhappy
def test_every_listed_password_is_reachable() -> None:
    """Each line is lower-case and sorted, so that none is a dead entry."""
    lines = files("bedplate.auth").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert len(listed) > 500
    assert listed == sorted({line.lower().strip() for line in listed})
