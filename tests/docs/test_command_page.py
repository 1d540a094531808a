"""The page of the command shows what `--help` says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command.md"
SHOWN = dict(
    re.findall(
        r"^## `bedplate ?(.*?)`\n\n```text\n(.*?)^```",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)


def help_of(command: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("bedplate")), *command.split(), "--help"],
        env={**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.rstrip().splitlines())


def commands_in(text: str) -> list[str]:
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE)


def test_the_page_shows_the_command_itself() -> None:
    assert "" in SHOWN


@pytest.mark.unhappy
@pytest.mark.parametrize("command", SHOWN)
def test_no_command_is_shown_otherwise_than_it_is(command: str) -> None:
    assert SHOWN[command] == help_of(command)


@pytest.mark.unhappy
@pytest.mark.parametrize("command", SHOWN)
def test_each_shows_an_example_of_itself(command: str) -> None:
    examples = re.split(r"^  Examples?:\n", SHOWN[command], flags=re.MULTILINE)[1:]
    assert len(examples) == 1
    assert f"bedplate {command}".rstrip() in examples[0]


@pytest.mark.unhappy
def test_no_command_is_left_out() -> None:
    named = {
        f"{parent} {child}".strip() for parent in SHOWN for child in commands_in(SHOWN[parent])
    }
    assert named == set(SHOWN) - {""}
