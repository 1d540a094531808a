"""The application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bedplate.asgi import RateLimit, account_of
from bedplate.database import Database
from bedplate.integrations.starlette import install
from bedplate.mail import Mailer
from bedplate.settings import load_settings
from starlette.applications import Starlette

from app.api import v1, well_known
from app.config import Settings
from app.core.resources import open_resources


def create_app(
    settings: Settings | None = None,
    *,
    database: Database | None = None,
    mailer: Mailer | None = None,
) -> Starlette:
    """Build the service.

    Args:
        settings: None reads the environment and ``.env``.
        database: one that is open already; None opens the configured one while the service runs.
        mailer: sends mails; None for the configured one.
    """
    settings = settings or load_settings(Settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        opening = open_resources(settings, database, mailer, app.state.metrics)
        async with opening as app.state.resources:
            yield

    async def check_database() -> None:
        await app.state.resources.database.ping()

    app = Starlette(routes=[*v1.routes, *well_known.routes], lifespan=lifespan)
    sign_up = RateLimit(
        "sign-up", settings.rate_limit_sign_up, paths=["/api/v1/users"], methods=["POST"]
    )
    checks = {"database": check_database}
    title = settings.service_name
    caller = account_of(settings, name=title)
    install(app, settings, checks=checks, rate_limits=[sign_up], caller=caller, title=title)
    return app
