"""What lives as long as the application; no web framework is named here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bedplate.database import Database, open_database
from bedplate.mail import Mailer
from bedplate.metrics import Metrics

from app.config import Settings
from app.core import security
from app.repositories.unit_of_work import AppUnitOfWork
from app.services.auth import Auth


@dataclass(frozen=True, slots=True)
class Resources:
    """What all requests share."""

    database: Database
    unit_of_work: Callable[[], AppUnitOfWork]
    auth: Auth


@asynccontextmanager
async def open_resources(
    settings: Settings, database: Database | None, mailer: Mailer | None, metrics: Metrics
) -> AsyncIterator[Resources]:
    """Open what the settings ask for, and close it again.

    Args:
        settings: the service's.
        database: one that is open already and stays so, or None.
        mailer: sends mails; None for the configured one.
        metrics: what measures the database and signing in.
    """
    async with AsyncExitStack() as stack:
        if database is None:
            database = await stack.enter_async_context(open_database(settings))
        stack.enter_context(metrics.watching(database))
        unit_of_work = partial(AppUnitOfWork, database, cursors=security.cursor_codec(settings))
        auth = await stack.enter_async_context(
            security.open_auth(settings, database, unit_of_work, mailer, metrics)
        )
        yield Resources(database, unit_of_work, auth)
