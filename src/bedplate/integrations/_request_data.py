"""A request's parts made into a function's arguments; every fault is told at once."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from bedplate.integrations._operations import MISSING, Argument, takes_several

MAX_FORM_FIELDS = 1000
_JSON = re.compile(r"application/(.*\+)?json")


class MalformedBodyError(Exception):
    """The body is not what its content type says."""


class InvalidArgumentsError(Exception):
    """The request does not fit; ``faults`` are as of pydantic's ``ValidationError.errors()``."""

    def __init__(self, faults: list[Any]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


@dataclass(frozen=True)
class RequestData:
    """What a request carries, not validated yet.

    Args:
        path: the path's parameters.
        query: the query's, decoded, in their order.
        body: parsed JSON, a form's pairs, or the bytes of a body of another type.
    """

    path: Mapping[str, str]
    query: Sequence[tuple[str, str]] = ()
    body: Any = MISSING


def parse_body(argument: Argument, content_type: str | None, content: bytes) -> Any:  # noqa: ANN401
    """Read a body by its content type.

    Args:
        argument: what it is read for: of the place ``body`` or ``form``.
        content_type: the header, or None.
        content: the bytes.

    Raises:
        MalformedBodyError: it is not what the header says.
    """
    kind = _media_type(content_type)
    try:
        if argument.place == "form":
            if kind != "application/x-www-form-urlencoded":
                return []
            text = content.decode("latin-1")
            return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
        if not content:
            return MISSING
        if _JSON.fullmatch(kind):
            return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError from error
    return content


def read_arguments(arguments: Iterable[Argument], data: RequestData) -> dict[str, Any]:
    """Validate what a request carries.

    Raises:
        InvalidArgumentsError: something does not fit.
    """
    values: dict[str, Any] = {}
    faults: list[Any] = []
    for argument in arguments:
        raw = _raw(argument, data)
        if raw is MISSING:
            if argument.default is MISSING:
                missing = {"type": "missing", "loc": argument.location, "msg": "Field required"}
                faults.append({**missing, "input": None})
            else:
                values[argument.name] = argument.default
            continue
        try:
            values[argument.name] = argument.adapter.validate_python(raw, from_attributes=True)
        except ValidationError as error:
            faults += [
                {**fault, "loc": (*argument.location, *fault["loc"])}
                for fault in error.errors(include_url=False)
            ]
    if faults:
        raise InvalidArgumentsError(faults)
    return values


def _raw(argument: Argument, data: RequestData) -> Any:  # noqa: ANN401 - of any type
    match argument.place:
        case "path":
            return data.path[argument.name]
        case "body":
            return data.body
        case "form":
            pairs = list(data.body)
        case "query":
            pairs = list(data.query)
    if argument.model:
        return dict(_fields(argument.model, pairs, blank_is_missing=argument.place == "form"))
    several = [value for name, value in pairs if name == argument.name]
    if takes_several(argument.annotation):
        return several or MISSING
    return several[-1] if several else MISSING


def _fields(
    model: type[BaseModel], pairs: list[tuple[str, str]], *, blank_is_missing: bool
) -> Iterator[tuple[str, Any]]:
    """Give the model's fields that were sent, and what was sent besides: the model decides on it."""
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value)
    for name, field in model.model_fields.items():
        alias = field.validation_alias if isinstance(field.validation_alias, str) else name
        values = sent.pop(alias, None)
        if values is None or (blank_is_missing and values[-1] == ""):  # as browsers send it
            continue
        yield alias, values if takes_several(field.annotation) else values[-1]
    for name, values in sent.items():
        yield name, values[0] if len(values) == 1 else values


def _media_type(content_type: str | None) -> str:
    if not content_type:
        return ""
    message = Message()
    message["content-type"] = content_type
    return message.get_content_type()
