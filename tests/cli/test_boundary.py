import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from bedplate._extras import missing_extra
from bedplate.cli.boundary import guarded
from bedplate.cli.errors import CommandError, ExitCode, ProjectError
from bedplate.errors import ConfigurationError, DatabaseUnavailableError

PASSWORD = "correct-horse-42"
URL = f"postgresql://someone:{PASSWORD}@db.example.com/app"


def raiser(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


def test_an_action_that_succeeds_gives_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: 0, debug=False) == ExitCode.DONE
    assert capfd.readouterr().err == ""


def test_the_version_is_shown(bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("--version")
    assert outcome.exit_code == 0
    assert outcome.out.startswith("bedplate ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], [], ["db"], ["user"], ["serve", "--help"], ["doctor", "-h"], ["secret", "-h"],
        ["user", "create", "--help"],
        *(["db", name, "--help"]
          for name in ("upgrade", "downgrade", "revision", "check", "history", "current")),
    ],
)  # fmt: skip
def test_every_help_page_shows_an_example(
    bedplate: Callable[..., Any], arguments: list[str]
) -> None:
    outcome = bedplate(*arguments)
    assert outcome.exit_code == 0
    assert "bedplate" in outcome.out
    assert "Example" in outcome.out


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (CommandError("It rains."), ExitCode.FAILURE),
        (DatabaseUnavailableError("It rains."), ExitCode.FAILURE),
        (ProjectError("It rains."), ExitCode.CONFIGURATION),
        (ConfigurationError("It rains."), ExitCode.CONFIGURATION),
    ],
)
def test_our_errors_are_one_sentence_and_an_exit_code(
    capfd: pytest.CaptureFixture[str], error: Exception, exit_code: int
) -> None:
    assert guarded(raiser(error), debug=False) == exit_code
    assert capfd.readouterr() == ("", "Error: It rains.\n")


@pytest.mark.unhappy
def test_a_missing_extra_says_how_to_install_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded(raiser(missing_extra("cli", "typer")), debug=False) == ExitCode.CONFIGURATION
    assert "pip install 'bedplate[cli]'" in capfd.readouterr().err


@pytest.mark.unhappy
def test_an_unexpected_error_shows_its_place_and_not_its_text(
    capfd: pytest.CaptureFixture[str],
) -> None:
    exit_code = guarded(raiser(ValueError(f"bad value {URL}")), debug=False)
    message = capfd.readouterr().err
    assert exit_code == ExitCode.FAILURE
    assert message.count("\n") == 1
    assert "Unexpected ValueError in test_boundary.py, line" in message
    assert "--debug" in message
    assert PASSWORD not in message


@pytest.mark.unhappy
def test_debug_shows_the_traceback_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    guarded(raiser(ValueError(f"bad value {URL}")), debug=True)
    message = capfd.readouterr().err
    assert "Traceback (most recent call last)" in message
    assert "bad value" in message
    assert PASSWORD not in message


@pytest.mark.unhappy
def test_a_sentence_of_ours_is_redacted_too(capfd: pytest.CaptureFixture[str]) -> None:
    guarded(raiser(CommandError(f"cannot reach {URL}")), debug=False)
    assert PASSWORD not in capfd.readouterr().err


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.TERMINATED),
    ],
)
def test_a_signal_leaves_with_blocks_and_prints_nothing(
    capfd: pytest.CaptureFixture[str], number: int, exit_code: int
) -> None:
    left = []

    def action() -> int:
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            left.append(number)
        return 0

    # whoever runs the tests may ignore it: nohup does, and so does a shell's background
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    try:
        assert guarded(action, debug=False) == exit_code
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, before)
    assert left == [number]
    assert capfd.readouterr() == ("", "")


@pytest.mark.unhappy
def test_a_hangup_that_was_ignored_stays_ignored() -> None:
    def action() -> int:
        signal.raise_signal(signal.SIGHUP)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert guarded(action, debug=False) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["frob"], "No such command 'frob'"),
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--port", "http"], "--port"),
        (["serve", "surplus"], "surplus"),
        (["db", "downgrade"], "revision"),
        (["db", "revision"], "--message"),
        (["user", "create"], "email"),
    ],
)
def test_wrong_usage_is_one_sentence_that_names_the_help(
    bedplate: Callable[..., Any], arguments: list[str], told: str
) -> None:
    outcome = bedplate(*arguments)
    assert outcome.exit_code == ExitCode.USAGE
    assert told.lower() in outcome.sentence.lower()
    assert "--help" in outcome.sentence


@pytest.mark.unhappy
def test_debug_may_stand_anywhere_but_not_after_two_dashes(bedplate: Callable[..., Any]) -> None:
    for arguments in (["--debug", "doctor"], ["doctor", "--debug"]):
        assert "Traceback" in bedplate(*arguments).err
    assert bedplate("doctor", "--", "--debug").exit_code == ExitCode.USAGE


@pytest.mark.unhappy
def test_without_typer_the_command_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "from bedplate.cli import main\nsys.argv = ['bedplate', 'secret']\nmain()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == ExitCode.CONFIGURATION
    assert found.stderr == (
        "Error: typer is not installed; install it with: pip install 'bedplate[cli]'.\n"
    )


@pytest.mark.unhappy
def test_a_reader_that_has_gone_makes_no_noise() -> None:
    code = "from bedplate.cli import main; main()"
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run(
        [sys.executable, "-c", code, "secret"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert found.stderr == ""
    assert found.returncode == ExitCode.FAILURE
