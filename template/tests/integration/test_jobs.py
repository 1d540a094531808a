"""The worker, on a database where tests commit."""

import pytest
from bedplate.auth.mail_orders import MailKind, MailOrder
from bedplate.database import Database
from bedplate.jobs import Worker
from bedplate.metrics import Metrics
from sqlalchemy import text

from app.config import Settings
from app.core.resources import Resources, open_resources
from app.jobs import clean_up, create_worker
from app.models import User
from app.repositories.unit_of_work import AppUnitOfWork

EMAIL = "ada@example.com"
ORDER = MailOrder(MailKind.VERIFICATION, EMAIL)


@pytest.fixture
def worker(
    committed_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Worker[Resources]:
    """What `bedplate worker` runs; in development it prints mails."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SECRET_KEY", settings.secret_key.get_secret_value())
    return create_worker(Metrics(None))


@pytest.fixture
async def uow(committed_database: Database) -> AppUnitOfWork:
    """A unit of work, and somebody with an account."""
    uow = AppUnitOfWork(committed_database)
    async with uow:
        await uow.users.add(User(email=EMAIL, password_hash="none"))
        await uow.commit()
    return uow


async def test_the_worker_sends_what_was_ordered(
    uow: AppUnitOfWork, worker: Worker[Resources], capsys: pytest.CaptureFixture[str]
) -> None:
    async with uow:
        await uow.mails.order(ORDER)
        await uow.commit()
    await worker.run_waiting()
    assert f"To: {EMAIL}" in capsys.readouterr().err
    async with uow:
        assert (await uow.jobs.waiting(), await uow.jobs.dead()) == ({}, [])


@pytest.mark.unhappy
async def test_what_is_rolled_back_is_not_sent(
    uow: AppUnitOfWork, worker: Worker[Resources], capsys: pytest.CaptureFixture[str]
) -> None:
    async with uow:
        await uow.mails.order(ORDER)
    await worker.run_waiting()
    assert EMAIL not in capsys.readouterr().err


@pytest.mark.unhappy
async def test_what_nobody_confirms_is_deleted_at_night(
    uow: AppUnitOfWork, committed_database: Database, settings: Settings
) -> None:
    opening = open_resources(settings, committed_database, None, Metrics(None))
    async with opening as resources:
        await resources.auth.mails.send(ORDER)
        async with uow:
            expire = "UPDATE one_time_tokens SET expires_at = now() - interval '1 day'"
            await uow.session.execute(text(expire))
            await uow.commit()
        await clean_up(resources)
    async with uow:
        assert await uow.one_time_tokens.count() == 0
