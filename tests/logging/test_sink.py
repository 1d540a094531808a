"""bedplate.logging.sink and setup: what comes out, and that it always does."""

import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

from bedplate.context import RequestContext, bind, identify, request_context
from bedplate.logging import configure_logging, get_logger
from bedplate.logging.setup import emit_trusted

from .conftest import Written


class Broken(Mapping[str, object]):
    """A field that cannot be redacted."""

    def __getitem__(self, key: str) -> object:
        raise RuntimeError("canary")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def trusted(event: str) -> dict[str, Any]:
    """What an access record begins with."""
    return {"timestamp": None, "level": "info", "event": event, "logger": "access"}


def test_a_record_is_one_json_object_on_a_line(written: Written) -> None:
    get_logger("orders").info("order placed", order=5)
    (record,) = written.records()
    assert record.pop("timestamp").endswith("Z")
    assert record == {"level": "info", "event": "order placed", "logger": "orders", "order": 5}


def test_the_requests_context_is_in_each_record(written: Written) -> None:
    with request_context(RequestContext("request-1")):
        bind(order=5, mine="context")
        identify("user-1")
        get_logger().info("one", mine="record")
        logging.getLogger("library").warning("two")
    first, second = written.records()
    assert (first["request_id"], first["principal"], first["order"]) == ("request-1", "user-1", 5)
    assert first["mine"] == "record"
    assert (second["request_id"], second["order"]) == ("request-1", 5)


def test_a_second_call_changes_loggers_that_exist(written: Written) -> None:
    logger = get_logger("orders").bind()
    logger.debug("one")
    other = Written()
    configure_logging("WARNING", json=False, stream=other)
    logger.info("two")
    logger.warning("three")
    logging.getLogger("library").info("four")
    assert [record["event"] for record in written.records()] == ["one"]
    assert len(other.lines()) == 1


def test_captured_records_are_those_of_structlog_and_of_standard_logging(written: Written) -> None:
    get_logger("orders").info("before")
    with structlog.testing.capture_logs() as captured:
        get_logger("orders").info("one")
        logging.getLogger("library").warning("two")
        emit_trusted(trusted("three"), {"path": "/"})
    assert [record["event"] for record in captured] == ["one", "two", "three"]
    assert len(written.records()) == 1


@pytest.mark.unhappy
def test_what_cannot_be_redacted_is_withheld(written: Written) -> None:
    get_logger("orders").info("canary", field=Broken())
    emit_trusted(trusted("request"), {"field": Broken()})
    assert "canary" not in written.getvalue()
    for record in written.records():
        assert record["event"] == "a record was withheld: RuntimeError while redacting it"


@pytest.mark.unhappy
def test_a_field_cannot_pass_for_the_records_own_facts(written: Written) -> None:
    get_logger("orders").info("placed", level="critical", timestamp="never", logger="root")
    (record,) = written.records()
    assert (record["level"], record["logger"], record["field_level"]) == (
        "info",
        "orders",
        "critical",
    )
    assert record["timestamp"] != "never"


@pytest.mark.unhappy
def test_tracebacks_have_the_chain_but_no_locals_and_no_secrets(written: Written) -> None:
    def fail() -> None:
        local_value = "canary-local"
        try:
            raise KeyError("password=canary-inner")
        except KeyError as error:
            raise RuntimeError(f"Bearer {local_value}") from error

    try:
        fail()
    except RuntimeError:
        get_logger().exception("failed")
    (record,) = written.records()
    assert record["level"] == "error"
    assert "direct cause" in record["exception"]
    assert "in fail" in record["exception"]
    assert "canary-inner" not in record["exception"].replace(
        'KeyError("password=canary-inner")', ""
    )
    assert "canary-local" not in record["exception"].split("RuntimeError", 1)[1].split("\n")[-1]


@pytest.mark.unhappy
def test_exc_info_without_an_exception_is_nothing(written: Written) -> None:
    get_logger().error("calm", exc_info=True)
    get_logger().error("calm", exc_info=(None, None, None))
    logging.getLogger("library").error("calm", exc_info=True)  # noqa: LOG014
    assert all("exception" not in record for record in written.records())


@pytest.mark.unhappy
@pytest.mark.parametrize("failure", [OSError("disk full"), ValueError("closed file")])
def test_a_stream_that_fails_is_not_the_callers_error(
    written: Written, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(_text: str) -> int:
        raise failure

    monkeypatch.setattr(written, "write", fail)
    get_logger().info("lost")
    logging.getLogger("library").error("lost")
    assert written.getvalue() == ""


@pytest.mark.unhappy
def test_a_stream_that_knows_ascii_only_gets_escapes(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = written.write

    def write_ascii(text: str) -> int:
        text.encode("ascii")
        return plain(text)

    monkeypatch.setattr(written, "write", write_ascii)
    get_logger().info("Zoë")
    assert "\\xeb" in written.getvalue()


@pytest.mark.unhappy
def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(KeyError):
        configure_logging("LOUD", json=True)


@pytest.mark.unhappy
def test_trusted_records_below_the_level_are_dropped(written: Written) -> None:
    configure_logging("ERROR", json=True, stream=written)
    emit_trusted(trusted("request"), {})
    assert written.getvalue() == ""


@pytest.mark.unhappy
def test_without_orjson_the_lines_are_the_same(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from bedplate.logging.redaction import Json
    from bedplate.logging.sink import Sink

    monkeypatch.setitem(sys.modules, "orjson", None)
    record: dict[str, Json] = {"a": "Zoë\\n", "b": [1, None, True], "c": 1.5}
    assert Sink()._dumps(record) == '{"a":"Zoë\\\\n","b":[1,null,true],"c":1.5}'.encode()


@pytest.mark.unhappy
def test_what_was_printed_before_stands_before_a_record(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="utf-8") as stream:
        configure_logging("INFO", json=True, stream=stream)
        stream.write("printed, and not flushed\n")
        get_logger().info("écrit")
        stream.write("printed again\n")
        get_logger().info("again")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line if line.startswith("printed") else json.loads(line)["event"] for line in lines] == [
        "printed, and not flushed", "écrit", "printed again", "again",
    ]  # fmt: skip


@pytest.mark.unhappy
def test_a_stream_of_another_encoding_gets_its_text_and_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="latin-1") as stream:
        configure_logging("INFO", json=True, stream=stream)
        get_logger().info("écrit")
        get_logger().info("漢")
    first, second = path.read_bytes().splitlines()
    assert b"\xe9crit" in first
    assert b"\\u6f22" in second


@pytest.mark.unhappy
def test_lines_of_threads_at_once_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="utf-8") as stream:
        configure_logging("INFO", json=True, stream=stream)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: get_logger().info("x" * n, number=n), range(2000)))
    numbers = [json.loads(line)["number"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(numbers) == list(range(2000))
