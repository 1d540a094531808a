"""API keys: for machines that act for an account, as far as their scopes reach."""

from uuid import UUID

from bedplate.auth.schemas import ApiKeyCreate, ApiKeyIssued, ApiKeyRead
from bedplate.integrations.fastapi import Router, error_responses, no_store
from fastapi import Depends

from app.api.deps import AnyPrincipal, Caller
from app.dependencies import Auth

router = Router(prefix="/auth/api-keys", tags=["auth"], dependencies=[Depends(no_store)])


@router.get("")
async def list_api_keys(caller: Caller, auth: Auth) -> list[ApiKeyRead]:
    """List the keys of this account; their text is not known any more."""
    return await auth.api_keys.list_for(caller.account.id)


@router.post("", status_code=201, responses=error_responses(409))
async def issue_api_key(new: ApiKeyCreate, principal: AnyPrincipal, auth: Auth) -> ApiKeyIssued:
    """Make a key, which is shown this once: `read`, `write`, and what the account's roles bring."""
    return await auth.issue_api_key(principal, new)


@router.delete("/{key_id}", status_code=204, responses=error_responses(404))
async def revoke_api_key(key_id: UUID, caller: Caller, auth: Auth) -> None:
    """End a key of this account at once."""
    await auth.api_keys.revoke(caller.account.id, key_id)
