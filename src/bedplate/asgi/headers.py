"""Headers that tell browsers to be careful."""

from bedplate.asgi.types import Header

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every answer carries, unless the application sets the header itself."""

HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
"""One year of HTTPS only (RFC 6797); browsers ignore it over plain HTTP."""
