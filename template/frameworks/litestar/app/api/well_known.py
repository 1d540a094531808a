"""What other services look for at fixed places (RFC 8615)."""

from bedplate.integrations.litestar import Router, error_responses

from app.dependencies import Auth, dependencies

router = Router("/.well-known", tags=["auth"], dependencies=dependencies)
cached = {"cache-control": "public, max-age=300"}


@router.get("/jwks.json", response_headers=cached, responses=error_responses(404))
async def read_key_set(auth: Auth) -> dict[str, list[dict[str, str]]]:
    """Give the public keys of the access tokens; there are none while a shared secret signs."""
    return auth.key_set()
