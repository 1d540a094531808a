"""bedplate.auth.schemas"""

from typing import Any

import pytest
from pydantic import ValidationError

from bedplate.auth.schemas import Email, PasswordChange, PasswordForm, RefreshRequest, TokenPair
from bedplate.schemas import Schema


def test_a_pair_is_sent_as_the_protocol_names_it() -> None:
    pair = TokenPair(access_token="a", expires_in=600, refresh_token="r")
    assert pair.model_dump() == {
        "access_token": "a",
        "token_type": "bearer",
        "expires_in": 600,
        "refresh_token": "r",
    }


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"refresh_token": None},
        {"refresh_token": 1},
        {"refresh_token": "a\0"},
        {"refresh_token": "a", "user": "b"},
    ],
)
def test_a_refresh_carries_exactly_one_text(sent: Any) -> None:
    with pytest.raises(ValidationError):
        RefreshRequest.model_validate(sent)


class Sent(Schema):
    email: Email


def test_an_address_arrives_in_its_one_spelling() -> None:
    assert Sent(email="Ada@Example.COM").email == "ada@example.com"
    assert Sent.model_json_schema()["properties"]["email"]["format"] == "email"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "email", ["", "cAnArY", "cAnArY@", "cAnArY" * 100 + "@example.com", 1, None]
)
def test_refuses_what_is_no_address_without_repeating_it(email: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sent(email=email)
    assert "cAnArY" not in str(caught.value)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "sent",
    [
        {"username": "a"},
        {"password": "b"},
        {"username": "a", "password": "b", "grant_type": "refresh_token"},
        {"username": "a", "password": "b\0"},
    ],
)
def test_a_form_is_the_password_grant(sent: Any) -> None:
    with pytest.raises(ValidationError):
        PasswordForm.model_validate(sent)


@pytest.mark.unhappy
def test_no_repr_shows_a_token_or_password() -> None:
    shown = [
        TokenPair(access_token="cAnArY", expires_in=600, refresh_token="cAnArY"),
        RefreshRequest(refresh_token="cAnArY"),
        PasswordChange.model_validate({"current_password": "cAnArY", "new_password": "cAnArY"}),
    ]
    assert "cAnArY" not in repr(shown) + str(shown[0]) + str(shown[1]) + str(shown[2])
