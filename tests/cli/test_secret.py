from collections.abc import Callable
from typing import Any

import pytest

from bedplate.cli.environment import load
from bedplate.cli.errors import ExitCode
from bedplate.secret_strength import check_secret_strength
from bedplate.settings import ServiceSettings


def test_the_secret_alone_is_printed_and_is_strong(bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("secret")
    assert outcome.exit_code == 0
    assert outcome.err == ""
    [line] = outcome.out.splitlines()
    check_secret_strength(line)


@pytest.mark.unhappy
def test_no_two_are_equal_and_production_takes_them(
    bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {bedplate("secret").out.strip() for _ in range(3)}
    assert len(secrets) == 3
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/app")
    monkeypatch.setenv("SECRET_KEY", secrets.pop())
    assert load(ServiceSettings).is_deployed


@pytest.mark.unhappy
def test_it_takes_no_arguments(bedplate: Callable[..., Any]) -> None:
    assert bedplate("secret", "16").exit_code == ExitCode.USAGE
