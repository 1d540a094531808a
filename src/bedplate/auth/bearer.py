"""The bearer token out of a request's headers, and the challenge in its answer (RFC 6750)."""

import re
from collections.abc import Sequence

from bedplate.errors import (
    AuthenticationError,
    InsufficientScopeError,
    InvalidGrantError,
    InvalidOneTimeTokenError,
    InvalidRequestError,
    InvalidTokenError,
    MissingTokenError,
)

_SCHEME = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.+))?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


def bearer_token(authorization_headers: Sequence[str]) -> str:
    """Take the token out of the request's Authorization headers.

    Args:
        authorization_headers: the value of each Authorization header that was sent.

    Raises:
        MissingTokenError: there is none, or it is of another scheme than Bearer.
        InvalidRequestError: there are several, or the one is malformed.
    """
    if not authorization_headers:
        raise MissingTokenError
    if len(authorization_headers) > 1:
        raise InvalidRequestError("More than one Authorization header was sent.")
    credentials = _SCHEME.fullmatch(authorization_headers[0].strip(" \t"))
    if credentials is None:
        raise InvalidRequestError
    scheme, token = credentials.groups()
    if scheme.lower() != "bearer":
        raise MissingTokenError
    if token is None or not _TOKEN.fullmatch(token):
        raise InvalidRequestError
    return str(token)


def challenge(error: Exception, *, realm: str = "api") -> str | None:
    """Give the value of WWW-Authenticate that an error's answer carries (RFC 6750 section 3).

    Args:
        error: what is answered.
        realm: the name of what is protected; without quotes or backslashes.

    Returns:
        None for an error that asks for no other credentials.
    """
    parameters = {"realm": realm}
    if isinstance(error, (InvalidTokenError, InvalidRequestError, InsufficientScopeError)):
        parameters["error"] = error.code
        parameters["error_description"] = error.default_message
        if isinstance(error, InsufficientScopeError) and error.scope:
            parameters["scope"] = error.scope
    elif not isinstance(error, AuthenticationError) or isinstance(
        error, (InvalidGrantError, InvalidOneTimeTokenError)
    ):
        return None
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())
