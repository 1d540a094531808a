"""bedplate.logging.bridge: everybody else's records."""

import json
import logging
import logging.config
import subprocess
import sys

import pytest

from bedplate.logging import configure_logging, silence_server_access_logs
from bedplate.logging.bridge import forward_record, mark_logged
from bedplate.logging.setup import _bridge, emit

from .conftest import Written

UVICORN_LIKE = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"own": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}},
    "loggers": {
        "uvicorn": {"handlers": ["own"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"level": "INFO"},
        "uvicorn.access": {"handlers": ["own"], "level": "INFO", "propagate": False},
    },
}


def test_extra_fields_and_arguments_arrive(written: Written) -> None:
    logging.getLogger("library").warning("took %d ms", 5, extra={"shard": 3, "password": "canary"})
    (record,) = written.records()
    assert (record["event"], record["logger"], record["level"]) == (
        "took 5 ms",
        "library",
        "warning",
    )
    assert (record["shard"], record["password"]) == (3, "[redacted]")


def test_a_servers_records_come_once_even_if_it_configures_logging_later(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(UVICORN_LIKE)
    logging.getLogger("uvicorn.error").info("Started server process", extra={"color_message": "x"})
    assert [record["event"] for record in written.records()] == ["Started server process"]
    assert "color_message" not in written.getvalue()
    assert capsys.readouterr().err == ""


@pytest.mark.unhappy
def test_a_records_exception_is_dropped_where_the_request_layer_has_logged_it(
    written: Written,
) -> None:
    error = ValueError("known")
    mark_logged(error)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    logging.getLogger("uvicorn.error").error("another", exc_info=ValueError("unknown"))
    assert [record["event"] for record in written.records()] == ["another"]


@pytest.mark.unhappy
def test_an_exception_that_cannot_be_marked_is_logged_twice_rather_than_never(
    written: Written,
) -> None:
    class Slotted(BaseException):
        __slots__ = ()

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    error = Slotted()
    mark_logged(error)
    logging.getLogger("uvicorn.error").error("again", exc_info=error)
    assert len(written.records()) == 1


@pytest.mark.unhappy
def test_a_record_that_cannot_be_formatted_is_withheld(written: Written) -> None:
    forward_record(logging.LogRecord("library", 40, "", 1, "%d of %d", ("canary",), None), emit)
    (record,) = written.records()
    assert record["event"].startswith("a record was withheld: TypeError")
    assert "canary" not in written.getvalue()


@pytest.mark.unhappy
def test_silenced_access_records_of_servers_are_dropped(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_bridge._access, "silent", False)
    logging.getLogger("uvicorn.access").warning("one")
    silence_server_access_logs()
    logging.getLogger("uvicorn.access").warning("two")
    assert [record["event"] for record in written.records()] == ["one"]


@pytest.mark.unhappy
def test_configuring_again_leaves_no_second_handler(written: Written) -> None:
    root = logging.getLogger()
    stray = logging.StreamHandler(sys.stderr)
    root.addHandler(stray)
    configure_logging("DEBUG", json=True, stream=written)
    configure_logging("DEBUG", json=True, stream=written)
    logging.getLogger("library").info("once")
    assert stray not in root.handlers
    assert len(written.records()) == 1


@pytest.mark.unhappy
def test_clients_that_log_whole_urls_are_quiet(written: Written) -> None:
    logging.getLogger("httpx").info("GET https://api.example/?key=canary")
    assert written.getvalue() == ""


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("number", "name"), [(5, "debug"), (25, "info"), (35, "warning"), (60, "critical")]
)
def test_odd_levels_become_the_next_lower_one(written: Written, number: int, name: str) -> None:
    logger = logging.getLogger("library.odd")
    logger.setLevel(1)
    configure_logging("DEBUG", json=True, stream=written)
    logger.log(number, "odd", stack_info=True)
    (record,) = written.records()
    assert record["level"] == name
    assert "test_bridge" in record["stack"]


def test_a_server_process_without_the_application_writes_the_same_records() -> None:
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"bedplate": {"()": "bedplate.logging.server_logs"}},
        "loggers": {"_granian": {"level": "INFO"}},
    }
    code = (
        "import logging, logging.config, sys, json\n"
        "logging.config.dictConfig(json.loads(sys.argv[1]))\n"
        "logging.getLogger('_granian').info('Starting')\n"
        "logging.getLogger('_granian.asgi').error('at postgresql://u:hunter2@h/d')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(config)], capture_output=True, text=True, check=True
    )
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["event"] for record in records] == ["Starting", "at postgresql://[redacted]@h/d"]
    assert done.stderr == ""


@pytest.mark.unhappy
def test_records_of_loggers_below_a_servers_come_once_and_in_our_form(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    granian_like = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            name: {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"} for name in "ab"
        },
        "loggers": {"_granian": {"handlers": ["a", "b"], "level": "INFO", "propagate": False}},
    }
    logging.config.dictConfig(granian_like)
    configure_logging("DEBUG", json=True, stream=written)
    error = ValueError("known")
    mark_logged(error)
    below = logging.getLogger("_granian.asgi.callbacks")
    below.error("Application callable raised an exception", exc_info=error)
    below.error("another", exc_info=ValueError("unknown"))
    logging.getLogger("_granian").info("of the logger itself")
    assert [record["event"] for record in written.records()] == ["another", "of the logger itself"]
    assert capsys.readouterr().out == ""
    stranger = logging.getLogger("stranger")  # with the same handler
    stranger.propagate = False
    stranger.addHandler(logging.getLogger("_granian").handlers[0])
    stranger.warning("its own affair")
    assert len(written.records()) == 2
    assert capsys.readouterr().out == "its own affair\n"
    for logger in (stranger, logging.getLogger("_granian")):
        logger.handlers.clear()


@pytest.mark.unhappy
def test_what_a_server_says_of_each_client_is_dropped_where_the_request_layer_says_it(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_bridge._access, "silent", False)
    monkeypatch.setattr(_bridge._server, "silent_on_clients", False)
    silence_server_access_logs()
    uvicorn, granian = logging.getLogger("uvicorn.error"), logging.getLogger("_granian")
    uvicorn.info('%s - "WebSocket %s" [accepted]', "127.0.0.1", "/ws?token=canary")
    uvicorn.info("connection open")
    granian.info('ASGI transport error: "Closed(..)"')
    uvicorn.info("Shutting down")
    assert [record["event"] for record in written.records()] == ["Shutting down"]
