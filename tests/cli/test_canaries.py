"""Secrets in the environment appear in nothing that the command writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode

PASSWORD = "hunter2canary"
SECRET = "canary-Zq8vX3mK1tYw5Rb7Nc2Ld9Hs4Gf6Jp0Ua"
EMAIL = "ada.lovelace.canary@example.org"
CANARIES = (PASSWORD, SECRET, EMAIL)
PLANTED = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": f"postgresql://app:{PASSWORD}@127.0.0.1:1/app",
    "DATABASE_DIRECT_URL": f"postgresql://app:{PASSWORD}@127.0.0.1:1/app",
    "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0",
    "SECRET_KEY": SECRET,
    "SECRET_KEY_PREVIOUS": SECRET[::-1] + SECRET,
}
WRONG = {
    "DATABASE_URL": f"mysql://app:{PASSWORD}@db/app",
    "REDIS_URL": PASSWORD,
    "SECRET_KEY": PASSWORD,
    "CORS_ORIGINS": EMAIL,
    "TRUSTED_PROXIES": PASSWORD,
    "RATE_LIMIT": EMAIL,
    "LOG_LEVEL": PASSWORD,
}
COMMANDS = (
    ("doctor",),
    ("--debug", "doctor"),
    ("routes",),
    ("db", "check"),
    ("--debug", "db", "check"),
    ("db", "upgrade"),
    ("db", "clean"),
    ("jobs", "status"),
    ("--debug", "jobs", "status"),
    ("worker",),
    ("user", "create", EMAIL.replace("canary", "somebody")),
    ("serve", "--port=0"),
    ("--debug", "serve", "--port=0"),
)


@pytest.fixture
def inside(service: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(service)
    return service


def plant(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def holds_none(outcome: Any) -> None:
    for canary in CANARIES:
        assert canary not in outcome.out + outcome.err


@pytest.mark.unhappy
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_what_it_is_configured_with_when_nothing_answers(
    inside: Path,
    bedplate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    plant(monkeypatch, PLANTED)
    outcome = bedplate(*command)
    assert outcome.out + outcome.err
    assert outcome.exit_code != ExitCode.USAGE, outcome.err
    holds_none(outcome)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "command", [("doctor",), ("db", "upgrade"), ("serve",), ("worker",)], ids=" ".join
)
def test_no_command_shows_a_setting_that_is_wrong(
    inside: Path,
    bedplate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    plant(monkeypatch, PLANTED | WRONG)
    outcome = bedplate(*command)
    assert outcome.exit_code != 0
    assert "SECRET_KEY" in outcome.out + outcome.err
    holds_none(outcome)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "command",
    [
        "",
        "serve",
        "worker",
        "doctor",
        "routes",
        "db",
        "db upgrade",
        "jobs",
        "user",
        "user create",
        "secret",
    ],
)
def test_no_help_shows_the_environment(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    plant(monkeypatch, PLANTED)
    outcome = bedplate(*command.split(), "--help")
    assert "Usage: bedplate" in outcome.out
    holds_none(outcome)
