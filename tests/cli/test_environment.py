import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from bedplate.cli.environment import (
    export_database_url,
    is_local,
    load,
    settle_environment,
    variable,
)
from bedplate.errors import ConfigurationError
from bedplate.settings import Environment, SecretUrl, ServiceSettings

REMOTE = "postgresql://app:correct-horse-42@db.example.com/app"


class Prefixed(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")


def test_nothing_set_means_development() -> None:
    assert settle_environment(ServiceSettings)
    assert os.environ["ENVIRONMENT"] == "development"
    assert load(ServiceSettings).environment is Environment.DEVELOPMENT


@pytest.mark.parametrize("where", ["environment", "lower case", ".env"])
def test_an_environment_that_is_set_stays(
    write: Callable[[str, str], Path], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == ".env":
        write(".env", "ENVIRONMENT=staging\n")
    else:
        name = "environment" if where == "lower case" else "ENVIRONMENT"
        monkeypatch.setenv(name, "staging")
    before = dict(os.environ)
    assert not settle_environment(ServiceSettings)
    assert dict(os.environ) == before


def test_a_prefix_of_the_service_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")  # of something else
    assert settle_environment(Prefixed)
    assert os.environ["SHOP_ENVIRONMENT"] == "development"
    export_database_url(Prefixed, SecretUrl("postgresql:///app"))
    assert os.environ["SHOP_DATABASE_URL"] == "postgresql:///app"
    assert variable(Prefixed, "secret_key") == "SHOP_SECRET_KEY"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///app",
        "postgresql://localhost/app",
        "postgresql://LOCALHOST:5433/app",
        "postgresql://user:p%40ss@127.0.0.1:5432/app",
        "postgresql://127.8.9.10/app",
        "postgresql+asyncpg://[::1]:5432/app",
        "postgresql+psycopg://postgres@/app?host=/run/postgresql&port=5432",
        "postgresql://%2Frun%2Fpostgresql/app",
        "postgresql://localhost:1,127.0.0.1:2/app",
    ],
)
def test_this_machine_is_local(url: str) -> None:
    assert is_local(url)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        "postgresql://db/app",
        "postgresql://10.0.0.1:5432/app",
        "postgresql://[fd00::1]:5432/app",
        "postgresql:///app?host=db.example.com",
        "postgresql:///app?host=/run/postgresql,db.example.com",
        "postgresql:///app?hostaddr=10.0.0.1",
        "postgresql://localhost,db.example.com/app",
        "postgresql://localhost@db.example.com/app",
        "postgresql://127.0.0.1.example.com/app",
        "postgresql://[::1/app",
        "postgresql://host.docker.internal/app",
    ],
)
def test_another_machine_or_an_unreadable_url_is_not_local(url: str) -> None:
    assert not is_local(url)


@pytest.mark.unhappy
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_nothing_is_guessed_when_the_database_is_another_machines(
    write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == ".env":
        write(".env", f"DATABASE_URL={REMOTE}\nENVIRONMENT=\n")
    else:
        monkeypatch.setenv("DATABASE_URL", REMOTE)
    with pytest.raises(ConfigurationError, match="ENVIRONMENT is not set") as caught:
        settle_environment(ServiceSettings)
    assert "correct-horse-42" not in str(caught.value)
    assert "ENVIRONMENT" not in os.environ


@pytest.mark.unhappy
def test_a_blank_environment_counts_as_unset_and_the_file_is_asked(
    write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "")
    write(".env", "ENVIRONMENT=production\n")
    assert not settle_environment(ServiceSettings)


@pytest.mark.unhappy
def test_an_unreadable_env_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DATABASE_URL=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load(ServiceSettings)


@pytest.mark.unhappy
def test_an_environment_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    with pytest.raises(ConfigurationError, match="ENVIRONMENT"):
        load(ServiceSettings)


@pytest.mark.unhappy
def test_a_deployed_service_names_all_that_is_missing_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL is missing.*SECRET_KEY"):
        load(ServiceSettings)


@pytest.mark.unhappy
def test_the_process_wins_over_the_env_file(
    write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "development")
    write(".env", "ENVIRONMENT=production\n")
    assert not settle_environment(ServiceSettings)
    assert load(ServiceSettings).environment is Environment.DEVELOPMENT


@pytest.mark.unhappy
def test_an_environment_that_is_wrong_is_not_replaced_by_a_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert not settle_environment(ServiceSettings)
    assert os.environ["ENVIRONMENT"] == "prod"
