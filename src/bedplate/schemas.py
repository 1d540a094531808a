"""The base of every schema that enters or leaves a service, and the one shape of its errors."""

import inspect
from copy import copy
from datetime import datetime
from typing import Any, Literal, override
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError


def _is_storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))


def _all_storable(value: object) -> bool:
    waiting = [value]
    while waiting:  # no recursion: a client decides how deep a value goes
        part = waiting.pop()
        if isinstance(part, SecretStr):
            part = part.get_secret_value()
        if isinstance(part, str):
            if not _is_storable(part):
                return False
        elif isinstance(part, dict):
            waiting += part
            waiting += part.values()
        elif isinstance(part, (list, tuple, set, frozenset)):
            waiting += part
    return True


class _Strict(BaseModel):
    """Unknown fields are refused, rows can be read directly."""

    model_config = ConfigDict(from_attributes=True, extra="forbid", hide_input_in_errors=True)


class Schema(_Strict):
    """What clients send and receive: unknown fields are refused, rows can be read directly."""

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_unstorable(cls, value: Any) -> Any:  # noqa: ANN401 - every field of every schema
        """Refuse what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
        if not _all_storable(value):
            raise PydanticCustomError(
                "unstorable_text", "Text must not contain NUL or unpaired surrogates"
            )
        return value


class Stored(_Strict):
    """What every stored row shows of itself; subclass it to add what this one has.

    Its text is not searched for what PostgreSQL cannot hold: it came from there.
    """

    id: UUID
    created_at: datetime
    updated_at: datetime


def _promise_no_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _left_out(field: FieldInfo) -> FieldInfo:
    """Give the same field, which may be absent."""
    extra = field.json_schema_extra

    def tell(schema: dict[str, Any]) -> None:
        if callable(extra):
            extra(schema)
        elif extra:
            schema.update(extra)
        _promise_no_default(schema)

    other = copy(field)
    other.default, other.default_factory, other.json_schema_extra = None, None, tell
    return other


def absent() -> Any:  # noqa: ANN401 - it stands where a default of any type can stand
    """Declare that a field of a Patch may be left out; whether null may be sent, its type says."""
    return Field(default=None, json_schema_extra=_promise_no_default)


class Patch(Schema):
    """What a client wants changed: a field that is not sent stays, one that is null becomes null.

    What it inherits may be absent too, so that a schema of new rows serves as that of changes::

        class UserUpdate(Patch):
            full_name: str | None = absent()  # may be cleared by null
            is_active: bool = absent()  # null is refused


        class OrderUpdate(OrderCreate, Patch):
            pass  # whatever a new order has may be changed
    """

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Let every inherited field be absent."""
        super().__pydantic_init_subclass__(**kwargs)
        inherited = {
            name: field
            for name, field in cls.model_fields.items()
            if field.json_schema_extra is not _promise_no_default
            and name not in inspect.get_annotations(cls)
        }
        for name, field in inherited.items():
            cls.__pydantic_fields__[name] = _left_out(field)
        if inherited:
            cls.model_rebuild(force=True)

    def changes(self) -> dict[str, Any]:
        """Give what was sent, by field name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class FieldError(BaseModel):
    """What is wrong with one part of a request; never the value that was sent."""

    location: Literal["body", "query", "path", "header", "cookie", "request"] = Field(
        description="The part of the request."
    )
    field: str = Field(
        description="The path of the field, joined by dots.", examples=["items.0.price"]
    )
    message: str = Field(description="One sentence for people.", examples=["Field required"])
    code: str = Field(description="A stable name that programs may test.", examples=["missing"])


class ErrorResponse(BaseModel):
    """The one shape of every error: problem details (RFC 9457) with a stable code."""

    type: str = Field(
        default="about:blank", description="A URI that names the kind of problem, or about:blank."
    )
    title: str = Field(description="The kind of problem in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", ge=400, le=599, examples=[404])
    detail: str = Field(description="This problem in words.", examples=["Not found."])
    code: str = Field(
        description="A stable snake_case name that programs may test.", examples=["not_found"]
    )
    request_id: str | None = Field(
        default=None, description="Names the request in the service's logs."
    )
    instance: str | None = Field(
        default=None, description="A URI reference that names this occurrence."
    )
    errors: list[FieldError] | None = Field(
        default=None, description="What is wrong with which field, if fields are wrong."
    )
