"""What a generated service's documents say is true."""

import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.template.harness import ROOT, texts

from bedplate.auth.settings import AuthSettings
from bedplate.cli.app import app
from bedplate.mail import MailSettings

USAGE_ERROR: Any = typer.BadParameter.__base__
ROUTE = re.compile(r"@router\.(get|post|patch|delete)\(\s*\"([^\"]*)\"")


def commands(service: Path) -> set[str]:
    """Give every call of the command that a document or a file shows."""
    shown = set()
    for name, text in texts(service).items():
        if name.endswith((".md", ".yml", "Dockerfile", ".env.example")):
            shown |= set(re.findall(r"uv run bedplate ([^`\n#|}]+)", text))
    return {call.strip() for call in shown}


def parse(call: str) -> None:
    """Read a call as the command itself does, and do nothing."""
    command: Any = typer.main.get_command(app)
    arguments = shlex.split(call)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    with suppress(typer.Exit):  # after what --help prints
        command.make_context(call, arguments)


def test_every_command_is_one_that_the_command_takes(service: Path) -> None:
    calls = commands(service)
    assert {"serve", "db upgrade", "doctor", "secret"} <= calls
    for call in calls:
        parse(call)


@pytest.mark.unhappy
def test_a_command_that_is_not_there_would_be_found() -> None:
    for call in ("nothing", "db nothing", "db revision", "serve --nothing"):
        with pytest.raises((KeyError, USAGE_ERROR)):
            parse(call)


@pytest.mark.unhappy
def test_no_route_is_missing_from_the_readme() -> None:
    table = (ROOT / "template" / "README.md.jinja").read_text(encoding="utf-8")
    for name, prefix in (("users", "users"), ("auth", "auth"), ("api_keys", "auth/api-keys")):
        source = (ROOT / f"template/frameworks/fastapi/app/api/v1/{name}.py").read_text(
            encoding="utf-8"
        )
        for method, path in ROUTE.findall(source):
            last = re.sub(r"{\w+}", "{id}", f"/{prefix}{path}").rpartition("/")[2]
            lines = [line for line in table.splitlines() if method.upper() in line and last in line]
            assert lines, f"{method.upper()} {path} of {name} is in no line of the table"


@pytest.mark.unhappy
def test_no_variable_of_the_example_is_unknown(service: Path) -> None:
    example = (service / ".env.example").read_text(encoding="utf-8")
    names = set(re.findall(r"^#? ?([A-Z_]{4,})=", example, flags=re.MULTILINE))
    required = {
        "ENVIRONMENT",
        "DATABASE_URL",
        "SECRET_KEY",
        "LOG_LEVEL",
        "CORS_ORIGINS",
        "REDIS_URL",
    }
    assert required <= names
    own = re.findall(r"^    ([a-z_]+): ", (service / "src/app/config.py").read_text(), re.MULTILINE)
    known = {*AuthSettings.model_fields, *MailSettings.model_fields, *own}
    assert {name.lower() for name in names} <= known
