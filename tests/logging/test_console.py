"""bedplate.logging.console"""

import pytest

from bedplate.logging import get_logger
from bedplate.logging.console import render_console

from .conftest import Written


def test_a_record_reads_from_left_to_right(console: Written) -> None:
    get_logger("orders").info("order placed", order=5, note="two words", empty="")
    (line,) = console.lines()
    assert line[13:] == "info     order placed order=5 note='two words' empty='' [orders]"


@pytest.mark.unhappy
def test_colours_are_ours_and_never_the_values() -> None:
    line = render_console({"level": "error", "event": "failed", "a": 1}, colours=True)
    assert line.count("\x1b[") == line.count("m", 0) - "failed".count("m")
    plain = render_console({"level": "error", "event": "failed", "a": 1}, colours=False)
    assert "\x1b" not in plain


@pytest.mark.unhappy
def test_a_traceback_stands_behind_a_bar(console: Written) -> None:
    get_logger().error("failed", exc_info=ValueError("one\ntwo"))
    assert console.lines()[1:] == ["  | ValueError: one", "  | two"]
