"""bedplate.logging.redaction"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr

from bedplate.logging import redact, redact_text
from bedplate.logging.redaction import Json, redact_into


class Colour(StrEnum):
    RED = "red"


def test_plain_values_become_json() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    fields = {
        "a": 1, "b": 2.5, "c": True, "d": None, "e": "text", "f": moment, "g": UUID(int=1), "h": Decimal("1.50"),
        "i": Colour.RED, "j": PurePosixPath("/a"), "k": [1, ("x",)], "m": {"n": {3}}, "o": ValueError,
    }  # fmt: skip
    assert redact(fields) == {
        "a": 1, "b": 2.5, "c": True, "d": None, "e": "text", "f": str(moment), "g": str(UUID(int=1)), "h": "1.50",
        "i": "red", "j": "/a", "k": [1, ["x"]], "m": {"n": [3]}, "o": "ValueError",
    }  # fmt: skip


@pytest.mark.unhappy
def test_secrets_are_hidden_by_name_at_every_depth() -> None:
    fields = {
        "user": {"password": "canary", "roles": [{"api_key": b"canary"}]},
        "token": ["canary"],
    }
    assert redact(fields) == {
        "user": {"password": "[redacted]", "roles": [{"api_key": "[redacted]"}]},
        "token": "[redacted]",
    }


@pytest.mark.unhappy
def test_objects_show_only_their_class() -> None:
    class Model(BaseModel):
        word: str = "canary"

    @dataclass
    class Data:
        word: str = "canary"

    class Loud:
        def __repr__(self) -> str:
            return "canary"

    redacted = redact(
        {"a": SecretStr("canary"), "b": Model(), "c": Data(), "d": Loud(), "e": b"canary"}
    )
    assert redacted == {
        "a": "<SecretStr>",
        "b": "<Model>",
        "c": "<Data>",
        "d": "<Loud>",
        "e": "<6 bytes>",
    }


@pytest.mark.unhappy
def test_errors_are_shown_without_what_looks_secret() -> None:
    assert (
        redact({"error": ValueError("bad ada@example.org\nx")})["error"]
        == "ValueError: bad [redacted]\\nx"
    )


@pytest.mark.unhappy
def test_subclasses_of_text_and_numbers_cannot_choose_what_is_shown() -> None:
    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "canary"

    class Number(int):
        def __repr__(self) -> str:
            return "canary"

    assert redact({"a": Text("word"), "b": Number(5)}) == {"a": "word", "b": 5}


@pytest.mark.unhappy
def test_what_json_cannot_hold_becomes_text() -> None:
    redacted = redact({"nan": float("nan"), "inf": float("inf"), "big": 2**70, "huge": 10**1000})
    assert redacted == {"nan": "nan", "inf": "inf", "big": str(2**70), "huge": "<3322 bits>"}


@pytest.mark.unhappy
def test_depth_width_and_length_have_limits() -> None:
    endless: list[Any] = []
    endless.append(endless)
    redacted = redact(
        {"deep": endless, "wide": list(range(1000)), "long": "x" * 100_000, "vast": "x" * 10**6}
    )
    assert "[too deep]" in str(redacted["deep"])
    wide, long = redacted["wide"], redacted["long"]
    assert isinstance(wide, list)
    assert wide[-1] == "900 more"
    assert isinstance(long, str)
    assert len(long) < 5000
    assert redacted["vast"] == "<1000000 characters>"
    assert len(redact({f"key{number}": number for number in range(1000)})) == 101


@pytest.mark.unhappy
def test_names_are_made_safe_too() -> None:
    assert redact({"nested": {"a\nb": 1, 5: 2, None: 3, "ada@example.org": 4}})["nested"] == {
        "a\\nb": 1, "5": 2, "NoneType": 3, "[redacted]": 4,
    }  # fmt: skip


@pytest.mark.unhappy
def test_a_name_never_replaces_another() -> None:
    assert redact({"nested": {"5": 1, 5: 2}})["nested"] == {"5": 1, "field_5": 2}
    nested = redact({"nested": {"field_5": 0, "5": 1, 5: 2}})["nested"]
    assert nested == {"field_5": 0, "5": 1, "field_field_5": 2}
    record: dict[str, Json] = {"level": "info"}
    redact_into(record, {"field_level": 1, "level": 2})
    assert record == {"level": "info", "field_level": 1, "field_field_level": 2}


@pytest.mark.unhappy
def test_a_mapping_of_names_that_all_look_alike_costs_little() -> None:
    long = "x" * 300
    redacted = redact({long + str(number): number for number in range(100)})
    assert sorted(redacted.values(), key=str) == sorted(range(100), key=str)


@pytest.mark.unhappy
def test_control_characters_become_visible() -> None:
    assert redact_text("a\r\n\x1b[31m\x00\x85\u2028\u202e\ud800b") == (
        "a\\r\\n\\x1b[31m\\x00\\x85\\u2028\\u202e\\ud800b"
    )


@pytest.mark.unhappy
def test_a_mapping_that_breaks_is_not_shown_in_part() -> None:
    class Broken(Mapping[str, object]):
        def __getitem__(self, key: str) -> object:
            raise RuntimeError("canary")

        def __iter__(self) -> Iterator[str]:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    with pytest.raises(RuntimeError):
        redact({"broken": Broken()})
