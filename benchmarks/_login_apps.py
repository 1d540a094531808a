"""What `auth_logins.py` serves: our login, and two that hash where many services hash."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import bcrypt
from fastapi import FastAPI, Form, HTTPException
from fastapi.responses import PlainTextResponse

from bedplate.auth import accounts, sessions
from bedplate.auth.keys import KeyRing, generate_secret
from bedplate.auth.models import AccountMixin, AuthSessionMixin, RefreshTokenMixin
from bedplate.auth.passwords import BcryptHasher
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.auth.schemas import PasswordForm, TokenPair
from bedplate.auth.service import AuthService
from bedplate.auth.tokens import AccessTokens
from bedplate.database import Database
from bedplate.integrations.fastapi import install
from bedplate.models import Base, UUIDv7Mixin
from bedplate.settings import ServiceSettings, load_settings
from bedplate.unit_of_work import UnitOfWork, repository

COST = 12
PASSWORD = "kite-lantern-41-otter"


class User(UUIDv7Mixin, AccountMixin, Base):
    __tablename__ = "users"


class AuthSession(AuthSessionMixin, Base):
    __tablename__ = "auth_sessions"


class RefreshToken(RefreshTokenMixin, Base):
    __tablename__ = "refresh_tokens"


class UserRepository(accounts.AccountRepository[User]):
    model = User


class SessionRepository(sessions.SessionRepository[User, AuthSession]):
    model, account_model, token_model = AuthSession, User, RefreshToken


class AppUnitOfWork(UnitOfWork):
    users = repository(UserRepository)
    sessions = repository(SessionRepository)


def make_service(database: Database, hasher: BcryptHasher) -> AuthService[User]:
    """Everything a login takes, and no throttle: it is the hashing that is measured."""
    secret = generate_secret()
    return AuthService(
        lambda: AppUnitOfWork(database),
        hasher,
        AccessTokens(KeyRing.from_secret(secret), issuer="bench", audience="bench"),
        RefreshTokens.from_secret(secret),
        verified_only=True,
    )


def bedplate_app() -> FastAPI:
    """A service on bedplate: its login, its health route, its whole stack."""
    hasher = BcryptHasher(COST, queue_size=int(os.environ["QUEUE_SIZE"]))
    settings = load_settings(
        ServiceSettings, _env_file=None, environment="production", secret_key=generate_secret()
    )
    database = Database(settings.database_url)
    service = make_service(database, hasher)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with database:
            yield
        hasher.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/token")
    async def log_in(form: Annotated[PasswordForm, Form()]) -> TokenPair:
        return await service.log_in(form.username, form.password.get_secret_value())

    install(app, settings)
    return app


def _bare() -> tuple[FastAPI, bytes]:
    app = FastAPI()

    @app.get("/health/live")
    async def live() -> PlainTextResponse:
        return PlainTextResponse("ok")

    return app, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(COST))


def inline_app() -> FastAPI:
    """Hashes in the coroutine that handles the request, and does not even ask a database."""
    app, stored = _bare()

    @app.post("/token")
    async def log_in(form: Annotated[PasswordForm, Form()]) -> None:
        if not bcrypt.checkpw(form.password.get_secret_value().encode(), stored):
            raise HTTPException(401)

    return app


def shared_pool_app() -> FastAPI:
    """Hashes in the pool of 40 threads that all of a FastAPI service shares."""
    app, stored = _bare()

    @app.post("/token")
    def log_in(form: Annotated[PasswordForm, Form()]) -> None:
        if not bcrypt.checkpw(form.password.get_secret_value().encode(), stored):
            raise HTTPException(401)

    return app
