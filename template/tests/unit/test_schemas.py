"""What may enter, and what a change leaves alone."""

import pytest
from pydantic import ValidationError

from app.schemas.user import AccountUpdate, UserCreate, UserRead, UserUpdate

PASSWORD = "correct horse battery staple"


def test_an_address_and_a_name_are_tidied() -> None:
    new = UserCreate.model_validate(
        {"email": " ADA@example.COM ", "password": PASSWORD, "full_name": " Ada "}
    )
    assert (new.email, new.full_name) == ("ada@example.com", "Ada")


@pytest.mark.unhappy
def test_a_password_is_in_no_representation() -> None:
    new = UserCreate.model_validate({"email": "ada@example.com", "password": PASSWORD})
    assert PASSWORD not in repr(new) + str(new.model_dump())
    assert "password_hash" not in UserRead.model_fields


@pytest.mark.unhappy
def test_absent_and_null_are_different_changes() -> None:
    assert AccountUpdate.model_validate({}).changes() == {}
    assert AccountUpdate.model_validate({"full_name": None}).changes() == {"full_name": None}


@pytest.mark.unhappy
@pytest.mark.parametrize("field", ["is_active", "is_verified", "roles"])
def test_what_cannot_be_empty_is_not_set_to_null(field: str) -> None:
    with pytest.raises(ValidationError):
        UserUpdate.model_validate({field: None})


@pytest.mark.unhappy
@pytest.mark.parametrize("field", ["id", "email", "password_hash", "token_version", "roles"])
def test_people_change_nothing_else_of_their_account(field: str) -> None:
    with pytest.raises(ValidationError):
        AccountUpdate.model_validate({field: "x"})
