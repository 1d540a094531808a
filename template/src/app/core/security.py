"""What signs, hashes and counts, made from the settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bedplate.auth.keys import derive_key
from bedplate.auth.throttle_opening import open_throttle_store
from bedplate.database import Database
from bedplate.mail import Mailer, configured_mailer
from bedplate.metrics import Metrics
from bedplate.pagination import CursorCodec

from app.config import Settings
from app.models import AttemptCounter
from app.repositories.unit_of_work import AppUnitOfWork
from app.services.auth import Auth


def cursor_codec(settings: Settings) -> CursorCodec:
    """Sign the cursors of pages with a key of their own."""
    return CursorCodec(derive_key(settings.secret_key, "cursors"))


@asynccontextmanager
async def open_auth(
    settings: Settings,
    database: Database,
    unit_of_work: Callable[[], AppUnitOfWork],
    mailer: Mailer | None,
    metrics: Metrics,
) -> AsyncIterator[Auth]:
    """Sign in as the settings say; attempts are counted for all instances together."""
    mailer = mailer or configured_mailer(settings)
    async with (
        open_throttle_store(settings, database, AttemptCounter) as store,
        Auth(
            settings,
            unit_of_work,
            store=store,
            mailer=mailer,
            name=settings.service_name,
            listener=metrics.auth,
        ) as auth,
    ):
        yield auth
