"""bedplate.errors"""

import pytest

from bedplate.errors import BedplateError, DuplicateError, NotFoundError, UnavailableError


def every_error(root: type[BedplateError]) -> list[type[BedplateError]]:
    return [root, *(found for child in root.__subclasses__() for found in every_error(child))]


def test_an_error_reads_as_its_default_message() -> None:
    assert str(NotFoundError()) == "Not found."


@pytest.mark.unhappy
def test_codes_of_different_meaning_are_never_the_same() -> None:
    ours = [each for each in every_error(BedplateError) if each.__module__.startswith("bedplate.")]
    codes = [error.code for error in ours if "code" in vars(error)]
    assert len(codes) == len(set(codes))


@pytest.mark.unhappy
def test_facts_travel_as_attributes_not_in_the_message() -> None:
    error = DuplicateError(constraint="uq_users_email", columns=["email"])
    assert error.columns == ("email",)
    assert "email" not in str(error)


@pytest.mark.unhappy
def test_unavailable_says_when_to_try_again() -> None:
    assert UnavailableError(retry_after=7).retry_after == 7
