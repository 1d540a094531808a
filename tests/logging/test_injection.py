"""One record stays one record, whatever is in it."""

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bedplate.logging import configure_logging, get_logger

from .conftest import Written

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\r\n\x1b\x00\x85\x9b\u2028\u2029\u202e\ud800\t\x0b\x0c\x1c\x1d\x1e"),
    ),
    max_size=60,
)
VALUES = st.recursive(
    st.one_of(HOSTILE, st.integers(), st.floats(), st.none(), st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)
    ),
    max_leaves=8,
)
many = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def write(stream: Written, *, as_json: bool, event: str, fields: dict[str, Any]) -> str:
    stream.seek(0)
    stream.truncate()
    configure_logging("DEBUG", json=as_json, stream=stream)
    get_logger("tests").info(event, fields=fields)
    return stream.getvalue()


def test_ordinary_text_of_any_language_stays_readable(written: Written) -> None:
    text = write(written, as_json=True, event="Grüße, 世界 🚀", fields={})
    assert json.loads(text)["event"] == "Grüße, 世界 🚀"


@pytest.mark.unhappy
@many
@given(event=HOSTILE, fields=st.dictionaries(HOSTILE, VALUES, max_size=4))
@example(event='x"}\n{"level":"critical"', fields={"a\nb": "c\r\n{}"})
def test_a_json_record_is_one_line_that_parses(
    written: Written, event: str, fields: dict[str, Any]
) -> None:
    text = write(written, as_json=True, event=event, fields=fields)
    assert len(text.splitlines()) == 1
    record = json.loads(text)
    assert record["level"] == "info"
    assert all(part.isprintable() or not _controls(part) for part in _texts(record))


@pytest.mark.unhappy
@many
@given(event=HOSTILE, fields=st.dictionaries(HOSTILE, VALUES, max_size=4))
def test_a_console_record_is_one_line_without_escapes(
    written: Written, event: str, fields: dict[str, Any]
) -> None:
    text = write(written, as_json=False, event=event, fields=fields)
    assert len(text.splitlines()) == 1
    assert not _controls(text.removesuffix("\n"))


@pytest.mark.unhappy
@many
@given(message=HOSTILE)
@example(message="x\n12:00:00.000 info     forged")
def test_lines_of_a_traceback_never_pass_for_records(written: Written, message: str) -> None:
    stream = written
    stream.seek(0)
    stream.truncate()
    configure_logging("DEBUG", json=False, stream=stream)
    logging.getLogger("library").error("failed", exc_info=ValueError(message))
    first, *rest = stream.getvalue().removesuffix("\n").split("\n")
    assert "failed" in first
    assert all(line.startswith("  | ") for line in rest)
    assert not any(_controls(line.replace("\t", "")) for line in rest)


def _controls(text: str) -> bool:
    return any(
        ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u2028\u2029\u202e"
        for character in text
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
