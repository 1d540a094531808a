"""Database URLs as people and hosting providers write them."""

import importlib.util

import pytest
from pydantic import SecretStr

from bedplate._extras import MissingExtraError
from bedplate.database import Database
from bedplate.database.url import parse_url
from bedplate.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://a:b@h/d", "postgresql+asyncpg://a:b@h/d"),
        ("postgres://a:b@h:1/d", "postgresql+asyncpg://a:b@h:1/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        (
            "postgresql://h/d?sslmode=require&channel_binding=require",
            "postgresql+asyncpg://h/d?ssl=require",
        ),
        ("postgresql+psycopg://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require"),
    ],
)
def test_a_url_is_made_ready_for_its_driver(given: str, expected: str) -> None:
    assert parse_url(given).render_as_string(hide_password=False) == expected
    assert parse_url(SecretStr(given)) == parse_url(given)


def test_psycopg_serves_when_asyncpg_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec("psycopg")
    monkeypatch.setattr(
        "bedplate.database.url.find_spec", lambda name: found if name == "psycopg" else None
    )
    assert parse_url("postgresql://h/d").drivername == "postgresql+psycopg"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("postgresql://h/d", "asyncpg"),
        ("postgresql+asyncpg://h/d", "asyncpg"),
        ("postgresql+psycopg://h/d", "psycopg"),
    ],
)
def test_without_its_driver_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, extra: str
) -> None:
    monkeypatch.setattr("bedplate.database.url.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=rf"bedplate\[{extra}\]"):
        parse_url(url)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "url",
    ["", "secret", "secret://h/d", "postgresql://h:secret/d", "mysql://secret@h/d", "sqlite://"],
)
def test_what_is_no_url_of_postgresql_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as info:
        parse_url(url)
    assert "secret" not in str(info.value)
    assert info.value.__suppress_context__ or info.value.__context__ is None


@pytest.mark.unhappy
def test_another_driver_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="asyncpg"):
        Database("postgresql+psycopg2://h/d")


@pytest.mark.unhappy
async def test_the_password_does_not_show() -> None:
    async with Database("postgresql://user:hidden-word@h/d") as database:
        assert "hidden-word" not in repr(database.engine)
        assert "hidden-word" not in str(database.engine.url)
