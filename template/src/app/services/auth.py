"""Signing in and out, mails that confirm, keys for machines: the library's, for this service."""

from bedplate.auth.services import AuthServices

from app.models.user import ADMINISTRATOR, User


class Auth(AuthServices[User]):
    """Every account may `read` and `write` what is its own; roles bring further scopes."""

    role_scopes = {ADMINISTRATOR: {"admin"}}
