"""What the tests of several worker processes serve."""

import asyncio
import os

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bedplate.integrations.starlette import install
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

OWN = Counter("own_things", "What the service counts itself.")


async def process(_request: Request) -> Response:
    OWN.inc()
    return PlainTextResponse(str(os.getpid()))


async def wait(_request: Request) -> Response:
    await asyncio.sleep(3600)
    return PlainTextResponse("")


def create_app() -> Starlette:
    """Build the application as a service does."""
    app = Starlette(routes=[Route("/process", process), Route("/wait", wait)])
    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment="production",
        database_url="postgresql://localhost/unused",
        secret_key=generate_secret(),
    )
    install(app, settings)
    return app
