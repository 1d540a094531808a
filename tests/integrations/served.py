"""What the tests of real servers serve."""

import asyncio
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from bedplate.integrations.fastapi import install
from bedplate.logging import get_logger
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings


def create_app() -> FastAPI:
    """Build the application as a service does."""
    app = FastAPI()
    begun = asyncio.Barrier(3)
    release = asyncio.Event()

    @app.get("/hello")
    async def hello() -> str:
        get_logger("service").info("of structlog")
        logging.getLogger("library").warning("of standard logging")
        return "hello"

    @app.get("/bug/{word}")
    async def bug(word: str) -> None:
        raise ValueError(f"canary password={word}")

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    @app.get("/waiting")
    async def waiting() -> str:
        await begun.wait()
        await release.wait()
        return "done"

    @app.get("/begun")
    async def has_begun() -> bool:
        await begun.wait()
        return True

    @app.post("/release")
    async def let_go(request: Request) -> bool:
        await begun.wait()
        await request.body()
        release.set()
        return True

    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment="production",
        database_url="postgresql://app:hunter2@db.example/app",
        secret_key=generate_secret(),
    )
    install(app, settings)
    return app
