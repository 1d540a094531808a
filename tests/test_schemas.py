"""bedplate.schemas"""

from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from bedplate.schemas import ErrorResponse, Schema


class Nested(Schema):
    words: tuple[str, ...] = ()
    table: dict[str, Any] = Field(default_factory=dict)


class Person(Schema):
    name: str
    password: SecretStr = SecretStr("")
    nested: Nested = Nested()


class Row:
    name = "Ada"
    other = "not asked for"


def test_any_other_text_is_taken_as_it_is() -> None:
    assert Person.model_validate({"name": "Zoë 🚀 \x1b\u2028"}).name == "Zoë 🚀 \x1b\u2028"


def test_a_row_is_read_by_its_attributes() -> None:
    assert Person.model_validate(Row()).name == "Ada"


@pytest.mark.unhappy
def test_unknown_fields_are_refused_without_showing_them() -> None:
    with pytest.raises(ValidationError, match="Extra inputs") as caught:
        Person.model_validate({"name": "Ada", "admin": "canary-value"})
    assert "canary-value" not in str(caught.value)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "data",
    [
        {"name": "a\0b"},
        {"name": "a", "password": "a\0b"},
        {"name": "a", "nested": {"words": ["a", "b\0"]}},
        {"name": "a", "nested": {"table": {"a\0": 1}}},
        {"name": "a", "nested": {"table": {"a": [{"b": "\0"}]}}},
    ],
)
def test_the_nul_character_is_refused_wherever_it_hides(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Person.model_validate(data)
    assert [fault["type"] for fault in caught.value.errors()] == ["unstorable_text"]


@pytest.mark.unhappy
@pytest.mark.parametrize("text", ["a\ud800", "\udfff", "é\udc00b"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="surrogates"):
        Person.model_validate({"name": text})


@pytest.mark.unhappy
def test_a_value_of_any_depth_is_searched() -> None:
    deep: Any = "\0"
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(ValidationError, match="NUL"):
        Nested.model_validate({"table": {"a": deep}})


@pytest.mark.unhappy
@pytest.mark.parametrize("status", [200, 399, 600])
def test_an_error_has_the_status_of_an_error(status: int) -> None:
    with pytest.raises(ValidationError):
        ErrorResponse(title="t", status=status, detail="d", code="c")
