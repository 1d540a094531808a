"""What other services look for at fixed places (RFC 8615)."""

from bedplate.integrations.fastapi import Router, error_responses
from fastapi import Response

from app.dependencies import Auth

router = Router(prefix="/.well-known", tags=["auth"])


@router.get("/jwks.json", responses=error_responses(404))
async def read_key_set(response: Response, auth: Auth) -> dict[str, list[dict[str, str]]]:
    """Give the public keys of the access tokens; there are none while a shared secret signs."""
    response.headers["cache-control"] = "public, max-age=300"
    return auth.key_set()
