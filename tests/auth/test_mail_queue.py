"""bedplate.auth.mail_queue: mails that are ordered in a transaction and sent by a worker"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from tests.auth.conftest import EMAIL, PASSWORD, AuthUnitOfWork, Model, World

from bedplate.auth.mail_orders import MailKind, MailOrder
from bedplate.auth.mail_queue import MailQueue, account_mails
from bedplate.database import Database
from bedplate.errors import (
    InvalidDataError,
    InvalidOneTimeTokenError,
    MailUnavailableError,
    StaleError,
)
from bedplate.jobs import JobQueue, Jobs, Worker
from bedplate.jobs.schema import create_jobs
from bedplate.testing import Outbox
from bedplate.unit_of_work import repository

NEW_EMAIL = "countess@example.com"
NEW_PASSWORD = "violet-theatre-9-mango"


class QueueingUnitOfWork(AuthUnitOfWork):
    jobs = repository(JobQueue)
    mails = repository(MailQueue)


class Office(World):
    """A service whose mails are sent by a worker."""

    def uow(self) -> Any:
        return QueueingUnitOfWork(self.database)

    async def work(self, service: Any) -> None:
        """Let a worker send all that waits."""

        @asynccontextmanager
        async def shared() -> AsyncIterator[Any]:
            yield service

        jobs: Jobs[Any] = Jobs()
        jobs.include(account_mails, lambda service: service.mails)
        url = self.database.engine.url.render_as_string(hide_password=False)
        await Worker(jobs, url, shared).run_waiting()

    async def queued(self) -> Any:
        return await self.run("SELECT * FROM jobs.pgqueuer ORDER BY id")


def fill(url: str) -> None:
    async def create() -> None:
        async with Database(url) as database, database.engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)
            await connection.run_sync(create_jobs)

    asyncio.run(create())


@pytest.fixture(scope="session")
def schema() -> Callable[[str], None]:
    return fill


@pytest.fixture
def office(committed_database: Database, hasher: Any) -> Office:
    return Office(committed_database, hasher)


@pytest.fixture
def service(office: Office, outbox: Outbox) -> Any:
    return office.confirm(outbox)


def token_in(outbox: Outbox) -> str:
    found = re.search(r"#token=([\w-]{43})\n", outbox.mails[-1].text)
    assert found is not None
    return found[1]


async def test_each_flow_goes_through_the_queue(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    await service.request_verification("Ada@Example.com")
    assert (outbox.mails, len(await office.queued())) == ([], 1)
    await office.work(service)
    await service.verify_email(token_in(outbox))
    await service.request_password_reset(EMAIL)
    await office.work(service)
    await service.reset_password(token_in(outbox), NEW_PASSWORD)
    await office.work(service)
    _, claims = await office.log_in(password=NEW_PASSWORD)
    await service.request_email_change(claims, NEW_PASSWORD, NEW_EMAIL)
    await office.work(service)
    await service.change_email(token_in(outbox))
    await office.work(service)
    office.service = office.serve()
    _, claims = await office.log_in(NEW_EMAIL, NEW_PASSWORD)
    await office.service.change_password(claims, NEW_PASSWORD, PASSWORD)
    await office.work(service)
    assert [(mail.to, mail.subject.split(" for ")[0]) for mail in outbox.mails] == [
        (EMAIL, "Confirm your address"),
        (EMAIL, "A new password"),
        (EMAIL, "Your password"),
        (NEW_EMAIL, "Confirm your new address"),
        (EMAIL, "Your address"),
        (NEW_EMAIL, "Your password"),
    ]
    assert await office.queued() == []


async def test_a_mail_is_tried_again_until_the_server_takes_it(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    tried = []

    class Recovering(Outbox):
        async def send(self, mail: Any) -> None:
            tried.append(mail)
            if len(tried) < 3:
                raise MailUnavailableError
            await outbox.send(mail)

    await service.request_password_reset(EMAIL)
    await send_soon(office, office.confirm(Recovering()))
    assert len(tried) == 3
    await service.reset_password(token_in(outbox), NEW_PASSWORD)


async def send_soon(office: Office, service: Any) -> None:
    """Let the worker run while every job that waits for its next try is made due."""

    async def hurry() -> None:
        while True:
            await office.run("UPDATE jobs.pgqueuer SET execute_after = now() WHERE attempts > 0")
            await asyncio.sleep(0.01)

    hurrying = asyncio.create_task(hurry())
    try:
        await office.work(service)
    finally:
        hurrying.cancel()


@pytest.mark.unhappy
async def test_neither_queue_nor_log_holds_a_token(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    with structlog.testing.capture_logs() as records:
        await service.request_password_reset(EMAIL)
        queued = [bytes(row.payload) for row in await office.queued()]
        await office.work(service)
        token = token_in(outbox)
        kept = await office.run("SELECT l::text FROM jobs.pgqueuer_log AS l")
        kept += await office.run("SELECT t::text FROM one_time_tokens AS t")
    assert token.encode() not in queued[0]
    assert token not in str(kept) + str(records)
    assert EMAIL not in str(records)


@pytest.mark.unhappy
async def test_asking_stores_the_same_whether_there_is_such_an_account(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    for email in (EMAIL, "bob@example.com"):
        await service.request_password_reset(email)
    first, second = await office.queued()
    assert len(first.payload) == len(second.payload)
    assert await office.run("SELECT 1 FROM one_time_tokens") == []
    await office.work(service)
    assert [mail.to for mail in outbox.mails] == [EMAIL]


@pytest.mark.unhappy
async def test_a_change_that_is_not_stored_is_told_to_nobody(
    office: Office, service: Any, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.register()
    _, claims = await office.log_in()
    await service.request_password_reset(EMAIL)
    await office.work(service)
    token = token_in(outbox)

    async def fail(self: Any) -> None:
        raise StaleError

    with monkeypatch.context() as patched:
        patched.setattr(QueueingUnitOfWork, "commit", fail)
        with pytest.raises(StaleError):
            await service.reset_password(token, NEW_PASSWORD)
        with pytest.raises(StaleError):
            await office.service.change_password(claims, PASSWORD, NEW_PASSWORD)
        with pytest.raises(StaleError):
            await service.request_verification(EMAIL)
    assert await office.queued() == []


@pytest.mark.unhappy
async def test_an_address_that_no_mail_can_be_sent_to_is_given_up(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    outbox.failing = InvalidDataError("no")
    await service.request_verification(EMAIL)
    await office.work(service)
    async with office.uow() as uow:
        [dead] = await uow.jobs.dead()
    assert (dead.name, dead.attempts) == ("account_mail", 1)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE users SET token_version = token_version + 1",
        "UPDATE users SET is_active = false",
        "UPDATE users SET deleted_at = now()",
        "DELETE FROM users",
    ],
)
async def test_an_order_ends_with_the_account_as_it_was(
    office: Office, service: Any, outbox: Outbox, meanwhile: str
) -> None:
    await office.register()
    _, claims = await office.log_in()
    await service.request_email_change(claims, PASSWORD, NEW_EMAIL)
    await office.run(meanwhile)
    await office.work(service)
    assert outbox.mails == []
    assert await office.queued() == []


@pytest.mark.unhappy
async def test_an_order_that_is_carried_out_twice_leaves_one_use(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    for _ in range(2):
        await service.mails.send(MailOrder(MailKind.PASSWORD_RESET, EMAIL))
    first, second = (re.findall(r"#token=([\w-]{43})", mail.text)[0] for mail in outbox.mails)
    await service.reset_password(first, NEW_PASSWORD)
    with pytest.raises(InvalidOneTimeTokenError):
        await service.reset_password(second, PASSWORD)


@pytest.mark.unhappy
async def test_an_address_that_was_taken_is_told_to_its_owner(
    office: Office, service: Any, outbox: Outbox
) -> None:
    await office.register()
    _, claims = await office.log_in()
    await service.request_email_change(claims, PASSWORD, NEW_EMAIL)
    await office.register(NEW_EMAIL)
    await office.work(service)
    [mail] = outbox.mails
    assert (mail.to, "token" in mail.text) == (NEW_EMAIL, False)
    assert await office.run("SELECT 1 FROM one_time_tokens") == []


@pytest.mark.unhappy
async def test_what_only_has_the_name_of_a_queue_loses_no_mail(
    office: Office, service: Any, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.register()
    monkeypatch.setattr(type(office.uow()), "mails", "a column of the service's own")
    await service.request_verification(EMAIL)
    await service.finish()
    assert [mail.to for mail in outbox.mails] == [EMAIL]


@pytest.mark.unhappy
def test_an_order_shows_no_address() -> None:
    assert EMAIL not in repr(MailOrder(MailKind.VERIFICATION, EMAIL))


@pytest.mark.unhappy
async def test_expired_rows_are_deleted_beside_queues(office: Office) -> None:
    from bedplate.auth.cleanup import delete_expired

    deleted = await delete_expired(QueueingUnitOfWork, office.database)
    assert {"one_time_tokens", "throttle"} <= set(deleted)
