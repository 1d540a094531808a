"""bedplate.asgi.problems: the table, and what it never tells."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from bedplate import errors
from bedplate.asgi.problems import code_of, problem_for, status_problem, validation_problem
from bedplate.schemas import ErrorResponse

EXPECTED = {
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.DuplicateError: 409,
    errors.StaleError: 409,
    errors.InvalidDataError: 422,
    errors.BrokenReferenceError: 422,
    errors.StillReferencedError: 409,
    errors.InvalidCursorError: 422,
    errors.WeakPasswordError: 422,
    errors.AuthenticationError: 401,
    errors.MissingTokenError: 401,
    errors.InvalidTokenError: 401,
    errors.InvalidCredentialsError: 401,
    errors.InvalidRequestError: 400,
    errors.InvalidGrantError: 400,
    errors.InvalidOneTimeTokenError: 400,
    errors.ThrottledError: 429,
    errors.PermissionDeniedError: 403,
    errors.InsufficientScopeError: 403,
    errors.WrongPasswordError: 403,
    errors.UnavailableError: 503,
    errors.DatabaseUnavailableError: 503,
    errors.PoolTimeoutError: 503,
    errors.CommitOutcomeUnknownError: 503,
    errors.RetryableError: 503,
    errors.QueryTimeoutError: 503,
    errors.LockTimeoutError: 503,
    errors.HasherBusyError: 503,
    errors.MailUnavailableError: 503,
    errors.ConfigurationError: 500,
    errors.WeakSecretError: 500,
}


def every_error(root: type[errors.BedplateError]) -> set[type[errors.BedplateError]]:
    below = {child for child in root.__subclasses__() if child.__module__ == "bedplate.errors"}
    return below.union(*(every_error(child) for child in below))


def test_every_domain_error_has_its_status() -> None:
    assert every_error(errors.BedplateError) == set(EXPECTED)
    assert {kind: problem_for(kind()).status for kind in EXPECTED} == EXPECTED


def test_an_error_of_the_services_own_gets_the_status_of_its_ancestor() -> None:
    class OutOfStockError(errors.ConflictError):
        code = "out_of_stock"
        default_message = "None left."

    problem = problem_for(OutOfStockError())
    assert (problem.status, problem.code, problem.detail) == (409, "out_of_stock", "None left.")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "error",
    [ValueError("canary"), errors.ConfigurationError("canary"), errors.BedplateError("canary"), KeyboardInterrupt("canary")],
)  # fmt: skip
def test_what_is_our_own_fault_tells_nothing(error: BaseException) -> None:
    problem = problem_for(error)
    assert (problem.status, problem.code) == (500, "internal_error")
    assert b"canary" not in problem.body("request-1")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (errors.MissingTokenError(), 'Bearer realm="api"'),
        (errors.InvalidTokenError(), 'error="invalid_token"'),
        (errors.InvalidRequestError(), 'error="invalid_request"'),
        (errors.InsufficientScopeError(scope="orders:read"), 'scope="orders:read"'),
    ],
)
def test_who_is_not_known_gets_a_challenge(error: errors.BedplateError, challenge: str) -> None:
    headers = problem_for(error).all_headers()
    assert challenge in headers["www-authenticate"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "kind", [errors.InvalidGrantError, errors.InvalidOneTimeTokenError, errors.WrongPasswordError]
)
def test_what_no_new_access_token_mends_gets_no_challenge_and_is_never_stored(
    kind: type[errors.BedplateError],
) -> None:
    headers = problem_for(kind()).all_headers()
    assert "www-authenticate" not in headers
    assert headers["cache-control"] == "no-store"


@pytest.mark.unhappy
@pytest.mark.parametrize(("asked", "told"), [(7, "7"), (0, "1"), (-5, "1")])
def test_who_shall_come_again_is_told_when(asked: int, told: str) -> None:
    for error in (
        errors.HasherBusyError(retry_after=asked),
        errors.ThrottledError(retry_after=asked),
    ):
        assert problem_for(error).headers["retry-after"] == told


@pytest.mark.unhappy
def test_an_invalid_field_of_the_domain_is_named() -> None:
    (field,) = problem_for(errors.WeakPasswordError(field="new_password")).errors
    assert (field.location, field.field, field.code) == ("body", "new_password", "weak_password")


@pytest.mark.unhappy
def test_every_problem_fits_the_published_schema() -> None:
    problems = [status_problem(status) for status in (400, 404, 405, 413, 418, 499, 503, 599)]
    for problem in [*problems, *(problem_for(kind()) for kind in EXPECTED)]:
        document = ErrorResponse.model_validate_json(problem.body("request-1"))
        assert document.request_id == "request-1"
        assert document.code == document.code.lower()


@pytest.mark.unhappy
def test_codes_of_bare_statuses_are_stable_words() -> None:
    assert [code_of(status) for status in (401, 404, 405, 413, 418, 499, 500, 503, 599)] == [
        "unauthenticated", "not_found", "method_not_allowed", "content_too_large", "teapot", "client_error",
        "internal_error", "unavailable", "server_error",
    ]  # fmt: skip


class Form(BaseModel):
    number: int = Field(ge=10)
    word: str

    @field_validator("word")
    @classmethod
    def quote(cls, word: str) -> str:
        raise ValueError(f"{word} is not nice")


def faults(data: dict[str, Any]) -> list[Any]:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(data)
    return [{**fault, "loc": ("body", *fault["loc"])} for fault in caught.value.errors()]


@pytest.mark.unhappy
def test_field_errors_name_the_field_and_never_the_value() -> None:
    problem = validation_problem(faults({"number": 1, "word": "canary-word"}))
    number, word = problem.errors
    assert (number.location, number.field, number.code) == ("body", "number", "greater_than_equal")
    assert number.message == "Input should be greater than or equal to 10"
    assert word.message == "Value is not valid"
    assert b"canary" not in problem.body(None)


@pytest.mark.unhappy
def test_broken_json_is_a_400_of_its_own() -> None:
    problem = validation_problem(
        [{"type": "json_invalid", "loc": ("body", 3), "msg": "canary", "input": {}}]
    )
    assert (problem.status, problem.code) == (400, "malformed_json")
    assert b"canary" not in problem.body(None)


@pytest.mark.unhappy
def test_a_client_cannot_make_the_answer_huge_or_break_it() -> None:
    many = [
        {"type": "extra_forbidden", "loc": ("body", f"\ud800\r\n{'x' * 5000}", number), "msg": "Extra", "input": 1}
        for number in range(5000)
    ]  # fmt: skip
    body = validation_problem(many).body("request-1")
    assert len(body) < 50_000
    assert len(json.loads(body)["errors"]) == 50
    assert b"\n" not in body


@pytest.mark.unhappy
def test_faults_without_a_place_belong_to_the_request() -> None:
    (empty,) = validation_problem(
        [{"type": "missing", "loc": (), "msg": "m", "input": None}]
    ).errors
    (odd,) = validation_problem(
        [{"type": "missing", "loc": ("file", "a"), "msg": "m", "input": None}]
    ).errors
    assert (empty.location, empty.field) == ("request", "request")
    assert (odd.location, odd.field) == ("request", "file.a")
