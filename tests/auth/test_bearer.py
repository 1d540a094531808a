"""bedplate.auth.bearer"""

from typing import Any

import pytest

from bedplate.auth.bearer import bearer_token, challenge
from bedplate.errors import (
    HasherBusyError,
    InsufficientScopeError,
    InvalidCredentialsError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidTokenError,
    MissingTokenError,
    NotFoundError,
)


@pytest.mark.parametrize(
    "header",
    ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "Bearer   a.b.c", " Bearer a.b.c "],
)
def test_takes_the_token_out_of_the_one_header(header: Any) -> None:
    assert bearer_token([header]) == "a.b.c"


@pytest.mark.parametrize("token", ["mF_9.B5f-4.1JqM", "YWJj==", "a+/~b"])
def test_takes_every_character_that_the_grammar_knows(token: Any) -> None:
    assert bearer_token([f"Bearer {token}"]) == token


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "headers", [[], ["Basic dXNlcjpwYXNz"], ["Digest username=x"], ["Negotiate"], ["Bearerx a"]]
)
def test_without_bearer_credentials_the_token_is_missing(headers: list[str]) -> None:
    with pytest.raises(MissingTokenError):
        bearer_token(headers)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "headers",
    [
        ["Bearer a", "Bearer a"],
        ["Bearer a", "Bearer b"],
        ["Bearer a", "Basic b"],
        ["Basic a", "Bearer b"],
        ["", "Bearer a"],
    ],
)
def test_two_headers_are_refused_even_when_alike(headers: list[str]) -> None:
    with pytest.raises(InvalidRequestError):
        bearer_token(headers)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a,b",
        'Bearer token="a"',
        "Bearer\ta",
        "Bearer a\tb",
        "Bearer a\r\nX-Injected: 1",
        "Bearer a\n",
        "Bearer a\0",
        "Bearer ä",
        "Bearer \u0661",
        "Bearer =a",
        "Bearer a=b",
        "Bearer <script>",
        "B\u00e9arer a",
        ": Bearer a",
        "a.b.c, d",
    ],
)
def test_a_malformed_header_is_refused(header: Any) -> None:
    with pytest.raises(InvalidRequestError):
        bearer_token([header])


def test_nothing_sent_is_challenged_without_an_error() -> None:
    """RFC 6750 section 3.1, last paragraph."""
    assert challenge(MissingTokenError()) == 'Bearer realm="api"'
    assert challenge(InvalidCredentialsError(), realm="orders") == 'Bearer realm="orders"'


@pytest.mark.unhappy
@pytest.mark.parametrize("error", [InvalidTokenError(), InvalidRequestError("Two headers.")])
def test_what_is_wrong_is_named_in_the_challenge(error: Any) -> None:
    value = challenge(error)
    assert value is not None
    assert value.startswith(f'Bearer realm="api", error="{error.code}", error_description="')


@pytest.mark.unhappy
def test_a_lacking_scope_is_named() -> None:
    value = challenge(InsufficientScopeError(scope="orders:write"))
    assert value is not None
    assert value.endswith(', scope="orders:write"')
    assert "scope=" not in str(challenge(InsufficientScopeError()))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "error", [InvalidGrantError(), NotFoundError(), HasherBusyError(), OSError()]
)
def test_other_errors_carry_no_challenge(error: Any) -> None:
    assert challenge(error) is None
