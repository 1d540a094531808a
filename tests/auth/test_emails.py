"""bedplate.auth.emails"""

from typing import Any

import pytest

from bedplate.auth.emails import normalise_email
from bedplate.errors import InvalidDataError


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada+orders@example.com", "ada+orders@example.com"),
        ("ada@xn--bcher-kva.example.com", "ada@bücher.example.com"),
        ("ada@BÜCHER.example.com", "ada@bücher.example.com"),
        ("İda@example.com", "İda@example.com"),
    ],
)
def test_each_address_has_one_spelling(typed: str, stored: Any) -> None:
    assert normalise_email(typed) == stored
    assert normalise_email(stored) == stored


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@example",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada@exa mple.com",
        "ada..b@example.com",
        '"ada b"@example.com',
        "Ada <ada@example.com>",
        "ada@example.com, eve@example.com",
    ],
)
def test_refuses_what_is_no_address(typed: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        normalise_email(typed)
    assert caught.value.field == "email"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "typed",
    [
        "ada\0@example.com",
        "ada@example.com\0",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "\tada@example.com",
        "ada\x1b@example.com",
        "ada\u202e@example.com",
        "ada\ud800@example.com",
        "ada@" + "example." * 40 + "com",
        pytest.param("a" * 10_000_000 + "@example.com", id="10 MB"),
    ],
)
def test_refuses_hidden_and_endless_characters_without_repeating_them(typed: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        normalise_email(typed)
    assert "ada" not in str(caught.value)
