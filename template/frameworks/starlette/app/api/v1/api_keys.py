"""API keys: for machines that act for an account, as far as their scopes reach."""

from uuid import UUID

from bedplate.auth.schemas import ApiKeyCreate, ApiKeyIssued, ApiKeyRead
from bedplate.integrations.starlette import Body, Path, Routes

from app.api.deps import AnyPrincipal, Caller
from app.dependencies import Auth

routes = Routes("/auth/api-keys", tags=["auth"], headers={"cache-control": "no-store"})


@routes.get("")
async def list_api_keys(caller: Caller, auth: Auth) -> list[ApiKeyRead]:
    """List the keys of this account; their text is not known any more."""
    return await auth.api_keys.list_for(caller.account.id)


@routes.post("", status=201, errors=[409])
async def issue_api_key(
    new: Body[ApiKeyCreate], principal: AnyPrincipal, auth: Auth
) -> ApiKeyIssued:
    """Make a key, which is shown this once: `read`, `write`, and what the account's roles bring."""
    return await auth.issue_api_key(principal, new)


@routes.delete("/{key_id}", status=204, errors=[404])
async def revoke_api_key(key_id: Path[UUID], caller: Caller, auth: Auth) -> None:
    """End a key of this account at once."""
    await auth.api_keys.revoke(caller.account.id, key_id)
