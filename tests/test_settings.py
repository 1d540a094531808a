"""bedplate.settings"""

import pickle
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr, field_validator

from bedplate.errors import ConfigurationError
from bedplate.rate import Rate
from bedplate.secret_strength import generate_secret
from bedplate.settings import (
    CommaSeparated,
    Environment,
    SecretUrl,
    ServiceSettings,
    load_settings,
)

CANARY = "hunter2-canary"
URL = f"postgresql://app:{CANARY}@db.example/app"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An empty environment in an empty folder."""
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def set_all(environment: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        environment.setenv(name, value)


def refusal(environment: pytest.MonkeyPatch, **values: str) -> str:
    set_all(environment, **values)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(ServiceSettings)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


def test_development_needs_nothing_but_its_name(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, ENVIRONMENT="development")
    settings = load_settings(ServiceSettings)
    assert settings.database_url is None
    assert len(settings.secret_key.get_secret_value()) == 64
    assert not settings.logs_as_json


def test_production_reads_everything_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    set_all(
        environment,
        ENVIRONMENT="Production",
        DATABASE_URL=URL,
        SECRET_KEY=generate_secret(),
        LOG_LEVEL="debug",
    )
    settings = load_settings(ServiceSettings)
    assert settings.environment is Environment.PRODUCTION
    assert settings.is_deployed
    assert settings.logs_as_json
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("  ", ()),
        (
            "https://a.example, http://b.example:8080,",
            ("https://a.example", "http://b.example:8080"),
        ),
        ('["https://a.example"]', ("https://a.example",)),
        ("https://App.A.example", ("https://app.a.example",)),
        ("*", ("*",)),
    ],
)
def test_origins_are_read_from_commas_json_and_blank(
    environment: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]
) -> None:
    set_all(environment, ENVIRONMENT="development", CORS_ORIGINS=text)
    assert load_settings(ServiceSettings).cors_origins == origins


def test_a_rate_and_the_proxies_are_read_as_people_write_them(
    environment: pytest.MonkeyPatch,
) -> None:
    proxies = "10.0.0.7, 2001:db8::/32, private"
    set_all(
        environment, ENVIRONMENT="development", RATE_LIMIT="600/minute", TRUSTED_PROXIES=proxies
    )
    settings = load_settings(ServiceSettings)
    assert settings.rate_limit == Rate(600, 60)
    assert settings.trusted_proxies == ("10.0.0.7", "2001:db8::/32", "private")
    assert load_settings(ServiceSettings, rate_limit=Rate(1, 1)).rate_limit == Rate(1, 1)


def test_the_environment_wins_over_the_file_and_overrides_over_both(
    environment: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("ENVIRONMENT=development\nLOG_LEVEL=ERROR\nREDIS_URL=redis://file/0\n")
    set_all(environment, LOG_LEVEL="WARNING")
    settings = load_settings(ServiceSettings, docs_enabled=False)
    assert settings.log_level == "WARNING"
    assert settings.redis_url == SecretUrl("redis://file/0")
    assert not settings.docs_enabled


def test_the_addresses_that_hosting_platforms_hand_out_are_understood(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment, ENVIRONMENT="development", DATABASE_URL="postgres://u:p@h/d")
    url = load_settings(ServiceSettings).database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://u:p@h/d"


@pytest.mark.unhappy
def test_every_missing_variable_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    message = refusal(environment, ENVIRONMENT="production")
    assert "DATABASE_URL is missing" in message
    assert "SECRET_KEY is missing" in message


@pytest.mark.unhappy
def test_the_environment_itself_is_required(environment: pytest.MonkeyPatch) -> None:
    assert "ENVIRONMENT is missing" in refusal(environment)


@pytest.mark.unhappy
@pytest.mark.parametrize("environment_name", ["staging", "production"])
def test_all_faults_are_named_and_no_value_is_shown(
    environment: pytest.MonkeyPatch, environment_name: str
) -> None:
    message = refusal(
        environment,
        ENVIRONMENT=environment_name,
        DATABASE_URL=f"mysql://root:{CANARY}@db/app",
        SECRET_KEY="changeme" + CANARY,
        SECRET_KEY_PREVIOUS=CANARY,
        LOG_LEVEL=CANARY,
        LOG_FORMAT=CANARY,
        CORS_ORIGINS="*",
        CORS_ALLOW_CREDENTIALS="true",
        REDIS_URL=f"memcached://{CANARY}",
        DATABASE_POOL_SIZE=CANARY,
        DOCS_ENABLED=CANARY,
        TRUSTED_PROXIES=f"10.0.0.0/8,{CANARY}",
        RATE_LIMIT_ENABLED=CANARY,
        RATE_LIMIT=f"600/{CANARY}",
    )
    for name in (
        "DATABASE_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "LOG_LEVEL", "LOG_FORMAT", "CORS_ORIGINS",
        "REDIS_URL", "DATABASE_POOL_SIZE", "DOCS_ENABLED", "TRUSTED_PROXIES", "RATE_LIMIT_ENABLED", "RATE_LIMIT is",
    ):  # fmt: skip
        assert name in message
    assert CANARY not in message
    assert "root" not in message


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "origins",
    ["a.example", "https://a.example/", "ftp://a.example", "https://u:p@a.example", "https://a:99999", "[oops",
     "https://", "null", "http://[::1", "https://*.a.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(environment: pytest.MonkeyPatch, origins: str) -> None:
    assert "CORS_ORIGINS" in refusal(environment, ENVIRONMENT="development", CORS_ORIGINS=origins)


@pytest.mark.unhappy
@pytest.mark.parametrize("secret", ["short", "x" * 64, "your-secret-key" * 4])
def test_a_weak_secret_is_refused_in_development_too(
    environment: pytest.MonkeyPatch, secret: str
) -> None:
    message = refusal(environment, ENVIRONMENT="development", SECRET_KEY=secret)
    assert "SECRET_KEY" in message
    assert secret not in message


@pytest.mark.unhappy
def test_secrets_show_in_no_repr_dump_or_pickle_error(environment: pytest.MonkeyPatch) -> None:
    secret = generate_secret()
    set_all(environment, ENVIRONMENT="production", DATABASE_URL=URL, SECRET_KEY=secret)
    settings = load_settings(ServiceSettings)
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {settings.database_url!r}"
    assert CANARY not in shown
    assert secret not in shown
    assert "db.example" not in shown
    assert pickle.loads(pickle.dumps(settings)).database_url == settings.database_url


@pytest.mark.unhappy
def test_a_validator_that_quotes_the_value_does_not_leak_it(
    environment: pytest.MonkeyPatch,
) -> None:
    class Loud(ServiceSettings):
        api_token: SecretStr

        @field_validator("api_token")
        @classmethod
        def check(cls, token: SecretStr) -> SecretStr:
            raise ValueError(f"{token.get_secret_value()} is bad")

    set_all(environment, ENVIRONMENT="development", API_TOKEN=CANARY)
    with pytest.raises(ConfigurationError, match="API_TOKEN is not valid") as caught:
        load_settings(Loud)
    assert CANARY not in str(caught.value)


@pytest.mark.unhappy
def test_a_list_of_the_services_own_that_is_no_json_is_named(
    environment: pytest.MonkeyPatch,
) -> None:
    class Own(ServiceSettings):
        hosts: list[str]
        modes: CommaSeparated[Literal["a", "b"]] = ()

    set_all(environment, ENVIRONMENT="development", HOSTS=CANARY)
    with pytest.raises(ConfigurationError, match="HOSTS is not valid JSON") as caught:
        load_settings(Own)
    assert CANARY not in str(caught.value)
    set_all(environment, HOSTS="[]", MODES="a,c")
    with pytest.raises(ConfigurationError, match="MODES"):
        load_settings(Own)


@pytest.mark.unhappy
def test_a_file_that_is_no_text_is_one_sentence(environment: pytest.MonkeyPatch) -> None:
    Path(".env").write_bytes(b"ENVIRONMENT=\xff\xfe")
    assert ".env is not UTF-8" in refusal(environment)


@pytest.mark.unhappy
def test_no_local_secret_can_be_made_in_a_folder_that_is_in_the_way(
    environment: pytest.MonkeyPatch,
) -> None:
    Path(".bedplate").write_text("")
    assert "SECRET_KEY is missing, and" in refusal(environment, ENVIRONMENT="development")


@pytest.mark.unhappy
def test_settings_cannot_be_changed_after_loading(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, ENVIRONMENT="development")
    settings = load_settings(ServiceSettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.log_level = "ERROR"


@pytest.mark.unhappy
@pytest.mark.parametrize("url", ["", "postgresql", "http://[broken", f"sqlite:///{CANARY}"])
def test_urls_of_other_kinds_are_refused_in_production(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    message = refusal(
        environment, ENVIRONMENT="production", DATABASE_URL=url, SECRET_KEY=generate_secret()
    )
    assert "DATABASE_URL" in message
    assert CANARY not in message


@pytest.mark.unhappy
def test_a_replica_needs_a_memory_that_processes_share(environment: pytest.MonkeyPatch) -> None:
    url = "postgresql://u:p@h/d"
    production = {"ENVIRONMENT": "production", "DATABASE_URL": url, "DATABASE_READ_URL": url}
    message = refusal(environment, **production)
    assert "REDIS_URL is missing: with DATABASE_READ_URL" in message
    message = refusal(environment, ENVIRONMENT="development", DATABASE_READ_URL="mysql://h")
    assert "DATABASE_READ_URL is not a URL that begins with postgresql://" in message
