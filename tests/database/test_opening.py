"""The database that a service's settings name."""

from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from sqlalchemy import text

from bedplate.database import Database, database_url, open_database, opening
from bedplate.errors import ConfigurationError, DatabaseUnavailableError
from bedplate.settings import Environment, SecretUrl, ServiceSettings


def settings(**values: Any) -> ServiceSettings:
    """Give settings that were not validated, so that faulty ones can be had too."""
    return ServiceSettings.model_construct(environment=Environment.DEVELOPMENT, **values)


class Embedded:
    """Stands in for the embedded server, which its own tests start."""

    log: ClassVar[list[str]] = []
    target = ""

    def __init__(self, name: str) -> None:
        self.log.append(f"cluster {name.partition('-')[0]}")

    def __enter__(self) -> Self:
        self.log.append("started")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("stopped")

    def create_database(self, name: str) -> None:
        self.log.append(f"database {name}")

    def url(self, _: str) -> str:
        return self.target


@pytest.fixture
def embedded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, committed_database: Database
) -> type[Embedded]:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(opening, "EmbeddedPostgres", Embedded)
    Embedded.log.clear()
    Embedded.target = committed_database.engine.url.render_as_string(hide_password=False)
    return Embedded


async def test_the_named_database_is_opened_with_its_limits(committed_database: Database) -> None:
    url = SecretUrl(committed_database.engine.url.render_as_string(hide_password=False))
    chosen = settings(database_url=url, database_statement_timeout=7.5, database_pool_size=3)
    async with open_database(chosen) as database, database.session() as session:
        assert await session.scalar(text("SHOW statement_timeout")) == "7500ms"
        assert database.engine.pool.size() == 3  # type: ignore[attr-defined]


async def test_in_development_the_embedded_one_serves(embedded: type[Embedded]) -> None:
    async with open_database(settings()) as database:
        await database.ping()
    assert embedded.log == ["cluster shop", "started", "database app", "stopped"]


@pytest.mark.unhappy
async def test_the_embedded_one_is_stopped_after_an_error(embedded: type[Embedded]) -> None:
    with pytest.raises(KeyError):
        async with open_database(settings()):
            raise KeyError
    assert embedded.log[-1] == "stopped"


@pytest.mark.unhappy
async def test_nothing_connects_before_it_is_used() -> None:
    url = SecretUrl("postgresql://nobody@127.0.0.1:1/nothing")
    async with open_database(settings(database_url=url)) as database:
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()


@pytest.mark.unhappy
@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION])
def test_a_deployed_service_gets_no_embedded_one(
    environment: Environment, embedded: type[Embedded]
) -> None:
    deployed = ServiceSettings.model_construct(environment=environment)
    with pytest.raises(ConfigurationError, match="DATABASE_URL"), database_url(deployed):
        pass
    assert embedded.log == []


@pytest.mark.unhappy
async def test_an_unusable_url_is_a_fault_of_the_configuration() -> None:
    chosen = settings(database_url=SecretUrl("mysql://h/d"))
    with pytest.raises(ConfigurationError):
        async with open_database(chosen):
            pass
