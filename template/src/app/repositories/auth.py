"""Where sign-ins, tokens that were sent by mail, and keys of machines are kept."""

from bedplate.auth import api_keys, one_time_tokens, sessions

from app.models.auth import ApiKey, AuthSession, OneTimeToken, RefreshToken
from app.models.user import User


class SessionRepository(sessions.SessionRepository[User, AuthSession]):
    """All sessions."""

    model, account_model, token_model = AuthSession, User, RefreshToken


class OneTimeTokenRepository(one_time_tokens.OneTimeTokenRepository[User, OneTimeToken]):
    """All one-time tokens."""

    model, account_model = OneTimeToken, User


class ApiKeyRepository(api_keys.ApiKeyRepository[User, ApiKey]):
    """All API keys."""

    model, account_model = ApiKey, User
