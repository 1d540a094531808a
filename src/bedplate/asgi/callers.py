"""Who sends a request, told before the application has looked at it."""

from typing import TYPE_CHECKING

from bedplate.asgi.idempotency import CallerOf
from bedplate.asgi.types import Scope
from bedplate.auth.bearer import bearer_token
from bedplate.errors import AuthenticationError

if TYPE_CHECKING:
    from bedplate.auth.settings import AuthSettings
    from bedplate.auth.tokens import AccessTokens


def token_subject(tokens: "AccessTokens") -> CallerOf:
    """Tell callers by the subject of their access token, which stays when the token is renewed.

    Args:
        tokens: verify them; a session that was ended meanwhile is not looked for, so that its
            token still names its subject for as long as it is valid.
    """

    def subject(scope: Scope) -> str | None:
        values = [v.decode("latin-1") for name, v in scope["headers"] if name == b"authorization"]
        try:
            return str(tokens.verify(bearer_token(values)).subject)
        except AuthenticationError:  # nobody's, or a credential of another kind
            return None

    return subject


def account_of(settings: "AuthSettings", *, name: str) -> CallerOf:
    """Tell callers by the account of their access token, as ``AuthServices`` issues it.

    Args:
        settings: say which keys sign.
        name: of the service: the issuer of its tokens.

    Raises:
        ConfigurationError: a key cannot be read, or is none for the algorithm.
    """
    from bedplate.auth.configured import access_tokens, key_ring

    return token_subject(access_tokens(settings, key_ring(settings), name=name))
