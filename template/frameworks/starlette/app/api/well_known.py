"""What other services look for at fixed places (RFC 8615)."""

from bedplate.integrations.starlette import Routes

from app.dependencies import Auth

routes = Routes("/.well-known", tags=["auth"], headers={"cache-control": "public, max-age=300"})


@routes.get("/jwks.json", errors=[404])
async def read_key_set(auth: Auth) -> dict[str, list[dict[str, str]]]:
    """Give the public keys of the access tokens; there are none while a shared secret signs."""
    return auth.key_set()
