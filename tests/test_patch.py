"""A PATCH body tells what is absent from what is null."""

from typing import Annotated

import pytest
from pydantic import Field, StringConstraints, ValidationError

from bedplate.schemas import Patch, Schema, absent


class Update(Patch):
    name: Annotated[str, StringConstraints(max_length=5)] | None = absent()
    is_active: bool = absent()
    roles: list[str] = absent()


def test_only_what_was_sent_is_a_change() -> None:
    sent = Update.model_validate({"is_active": False, "roles": ["admin"]})
    assert sent.changes() == {"is_active": False, "roles": ["admin"]}


def test_null_is_a_change_where_the_type_allows_it() -> None:
    assert Update.model_validate({"name": None}).changes() == {"name": None}


@pytest.mark.unhappy
def test_an_empty_body_changes_nothing() -> None:
    assert Update.model_validate({}).changes() == {}


@pytest.mark.unhappy
@pytest.mark.parametrize("field", ["is_active", "roles"])
def test_null_is_refused_where_the_type_does_not_allow_it(field: str) -> None:
    with pytest.raises(ValidationError):
        Update.model_validate({field: None})


@pytest.mark.unhappy
def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Update.model_validate({"password_hash": "x"})


@pytest.mark.unhappy
def test_the_documentation_promises_no_default_that_would_be_stored() -> None:
    properties = Update.model_json_schema()["properties"]
    assert not any("default" in schema for schema in properties.values())
    assert "required" not in Update.model_json_schema()


class New(Schema):
    """What a new row has."""

    sku: Annotated[str, Field(max_length=5, json_schema_extra={"format": "sku"})]
    note: str | None = None
    stock: int = Field(default=1, ge=0)


class Changed(New, Patch):
    """What may be changed of it."""

    is_active: bool = absent()


class ChangedMore(Changed):
    """A patch of a patch."""

    reason: str | None = absent()


def test_what_a_patch_inherits_may_be_absent_and_keeps_its_rules() -> None:
    assert Changed.model_validate({"sku": "a-1"}).changes() == {"sku": "a-1"}
    assert Changed.model_validate({"note": None}).changes() == {"note": None}
    assert New.model_validate({"sku": "a"}).stock == 1, "the parent stays as it was"
    properties = ChangedMore.model_json_schema()["properties"]
    assert properties["sku"] == {"title": "Sku", "type": "string", "maxLength": 5, "format": "sku"}
    assert set(properties) == {"sku", "note", "stock", "is_active", "reason"}


@pytest.mark.unhappy
@pytest.mark.parametrize("patch", [Changed, ChangedMore])
def test_an_inherited_default_is_neither_a_change_nor_promised(patch: type[Patch]) -> None:
    assert patch.model_validate({}).changes() == {}
    schema = patch.model_json_schema()
    assert not any("default" in field for field in schema["properties"].values())
    assert "required" not in schema
    with pytest.raises(ValidationError):
        New.model_validate({})


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "body", [{"sku": None}, {"sku": "too long"}, {"stock": -1}, {"stock": None}]
)
def test_what_the_parent_refuses_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Changed.model_validate(body)
