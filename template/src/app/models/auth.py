"""Who is signed in where, what keeps it so, which machines may call, and how often it was tried."""

from bedplate.auth.models import (
    ApiKeyMixin,
    AuthSessionMixin,
    OneTimeTokenMixin,
    RefreshTokenMixin,
    ThrottleMixin,
)

from app.models.base import Base


class AuthSession(AuthSessionMixin, Base):
    """One sign-in on one device."""

    __tablename__ = "auth_sessions"


class RefreshToken(RefreshTokenMixin, Base):
    """One link in a session's chain of refresh tokens; only its hash is stored."""

    __tablename__ = "refresh_tokens"


class OneTimeToken(OneTimeTokenMixin, Base):
    """A token that was sent by mail; only its hash is stored."""

    __tablename__ = "one_time_tokens"


class ApiKey(ApiKeyMixin, Base):
    """A key of a machine that acts for an account; only its hash is stored."""

    __tablename__ = "api_keys"


class AttemptCounter(ThrottleMixin, Base):
    """How often somebody tried lately."""

    __tablename__ = "attempt_counters"
