"""The tables; every model is imported here, so that migrations see it."""

from app.models.auth import ApiKey, AttemptCounter, AuthSession, OneTimeToken, RefreshToken
from app.models.base import Base
from app.models.user import User

__all__ = [
    "ApiKey",
    "AttemptCounter",
    "AuthSession",
    "Base",
    "OneTimeToken",
    "RefreshToken",
    "User",
]
