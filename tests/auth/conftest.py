"""A service's accounts and sessions on a database of their own, without anything of the web."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import MetaData, text

from bedplate.auth import accounts, api_keys, one_time_tokens, sessions
from bedplate.auth.confirmation import ConfirmationService
from bedplate.auth.keys import KeyRing, generate_secret
from bedplate.auth.letters import Letters
from bedplate.auth.models import (
    AccountMixin,
    ApiKeyMixin,
    AuthSessionMixin,
    OneTimeTokenMixin,
    RefreshTokenMixin,
    ThrottleMixin,
)
from bedplate.auth.passwords import BcryptHasher, PasswordHasher
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.auth.service import AuthService
from bedplate.auth.throttle_postgres import PostgresThrottleStore
from bedplate.auth.tokens import AccessTokens
from bedplate.clock import utc_now
from bedplate.database import Database
from bedplate.models import NAMING_CONVENTION, Base, SoftDeleteMixin, TimestampMixin, UUIDv7Mixin
from bedplate.unit_of_work import UnitOfWork, repository

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class User(UUIDv7Mixin, AccountMixin, TimestampMixin, SoftDeleteMixin, Model):
    __tablename__ = "users"


class AuthSession(AuthSessionMixin, Model):
    __tablename__ = "auth_sessions"


class RefreshToken(RefreshTokenMixin, Model):
    __tablename__ = "refresh_tokens"


class OneTimeToken(OneTimeTokenMixin, Model):
    __tablename__ = "one_time_tokens"


class ApiKey(ApiKeyMixin, Model):
    __tablename__ = "api_keys"


class Counter(ThrottleMixin, Model):
    __tablename__ = "throttle"


class UserRepository(accounts.AccountRepository[User]):
    model = User


class SessionRepository(sessions.SessionRepository[User, AuthSession]):
    model = AuthSession
    account_model = User
    token_model = RefreshToken


class OneTimeTokenRepository(one_time_tokens.OneTimeTokenRepository[User, OneTimeToken]):
    model = OneTimeToken
    account_model = User


class ApiKeyRepository(api_keys.ApiKeyRepository[User, ApiKey]):
    model = ApiKey
    account_model = User


class AuthUnitOfWork(UnitOfWork):
    users = repository(UserRepository)
    sessions = repository(SessionRepository)
    one_time_tokens = repository(OneTimeTokenRepository)
    api_keys = repository(ApiKeyRepository)


@dataclass
class World:
    """Everything a test of accounts and sessions needs at hand."""

    database: Database
    hasher: BcryptHasher
    secret: str = field(default_factory=generate_secret)
    skew: timedelta = timedelta(0)
    counter: type[ThrottleMixin] = Counter

    def __post_init__(self) -> None:
        self.refresh_tokens = RefreshTokens.from_secret(self.secret)
        self.access_tokens = AccessTokens(
            KeyRing.from_secret(self.secret),
            issuer="tests",
            audience="tests",
            clock=lambda: utc_now() + self.skew,
        )
        self.service = self.serve()

    def serve(
        self,
        hasher: PasswordHasher | None = None,
        refresh_tokens: Any = None,
        unit_of_work: Any = None,
        **settings: Any,
    ) -> Any:
        return AuthService(
            unit_of_work or self.uow,
            hasher or self.hasher,
            self.access_tokens,
            refresh_tokens or self.refresh_tokens,
            **settings,
        )

    def confirm(self, mailer: Any, hasher: PasswordHasher | None = None, **settings: Any) -> Any:
        letters = Letters("Orders", site="https://app.example.com")
        return ConfirmationService(self.uow, hasher or self.hasher, mailer, letters, **settings)

    def counters(self) -> PostgresThrottleStore:
        return PostgresThrottleStore(self.database, Counter)

    def uow(self) -> Any:
        return AuthUnitOfWork(self.database)

    async def register(self, email: str = EMAIL, password: str = PASSWORD, **columns: Any) -> Any:
        columns.setdefault("password_hash", await self.hasher.hash(password))
        user = User(email=email, **columns)
        async with self.uow() as uow:
            uow.session.add(user)
            await uow.commit()
        return user

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> Any:
        """Log in and give the pair of tokens and the claims of the access token."""
        pair = await self.service.log_in(email, password)
        return pair, self.access_tokens.verify(pair.access_token)

    async def run(self, statement: str, **values: Any) -> Any:
        """Run SQL in a transaction of its own and give the rows, if it has any."""
        async with self.uow() as uow:
            done = await uow.session.execute(text(statement), values)
            rows = done.all() if done.returns_rows else []
            await uow.commit()
        return rows

    async def live_sessions(self) -> Any:
        rows = await self.run("SELECT id FROM auth_sessions WHERE revoked_at IS NULL")
        return {row.id for row in rows}

    async def age(self, **ago: Any) -> None:
        """Let everything stored have happened that much earlier."""
        await self.run(
            "UPDATE auth_sessions SET created_at = created_at - CAST(:ago AS interval),"
            " last_used_at = last_used_at - CAST(:ago AS interval),"
            " absolute_expires_at = absolute_expires_at - CAST(:ago AS interval)",
            ago=timedelta(**ago),
        )
        await self.run(
            "UPDATE refresh_tokens SET issued_at = issued_at - CAST(:ago AS interval),"
            " consumed_at = consumed_at - CAST(:ago AS interval),"
            " expires_at = expires_at - CAST(:ago AS interval)",
            ago=timedelta(**ago),
        )


@pytest.fixture(scope="session")
def schema() -> Any:
    """What the databases of these tests contain."""
    return Model.metadata


@pytest.fixture(scope="session")
def hasher() -> Any:
    hasher = BcryptHasher(4, workers=2, queue_size=200)
    yield hasher
    hasher.close()


@pytest.fixture
def world(database: Any, hasher: BcryptHasher) -> Any:
    """Accounts and sessions on one connection, which is rolled back."""
    return World(database, hasher)


@pytest.fixture
async def crowd(committed_database: Any, hasher: BcryptHasher) -> Any:
    """Accounts and sessions on a database of their own that 42 connections may use at once."""
    async with Database(
        committed_database.engine.url, pool_size=42, pool_timeout=60, connect_timeout=60
    ) as database:
        yield World(database, hasher)
