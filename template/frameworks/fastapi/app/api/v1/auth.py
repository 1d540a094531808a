"""Signing in, staying in, signing out: thin calls to the library's service."""

from typing import Annotated
from uuid import UUID

from bedplate.auth.schemas import (
    PasswordChange,
    PasswordForm,
    RefreshRequest,
    SessionRead,
    TokenPair,
)
from bedplate.integrations.fastapi import Router, error_responses, no_store
from fastapi import Depends, Form

from app.api.deps import Caller
from app.dependencies import Address, Auth

router = Router(prefix="/auth", tags=["auth"], dependencies=[Depends(no_store)])


@router.post("/token", responses=error_responses(401, 429, 503))
async def log_in(form: Annotated[PasswordForm, Form()], auth: Auth, address: Address) -> TokenPair:
    """Sign in; `username` is the e-mail address."""
    return await auth.service.log_in(
        form.username, form.password.get_secret_value(), address=address
    )


@router.post("/refresh", responses=error_responses(400))
async def refresh(presented: RefreshRequest, auth: Auth) -> TokenPair:
    """Trade a refresh token for a new pair; one that was used before ends the session."""
    return await auth.service.refresh(presented.refresh_token)


@router.post("/logout", status_code=204)
async def log_out(caller: Caller, auth: Auth) -> None:
    """End this session."""
    await auth.service.log_out(caller.claims)


@router.post("/logout-all", status_code=204)
async def log_out_everywhere(caller: Caller, auth: Auth) -> None:
    """End all sessions of this account."""
    await auth.service.log_out_everywhere(caller.claims)


@router.get("/sessions")
async def list_sessions(caller: Caller, auth: Auth) -> list[SessionRead]:
    """List where this account is signed in: the 100 sessions that were used last."""
    return await auth.service.sessions(caller.claims)


@router.delete("/sessions/{session_id}", status_code=204, responses=error_responses(404))
async def revoke_session(session_id: UUID, caller: Caller, auth: Auth) -> None:
    """End one session of this account."""
    await auth.service.revoke_session(caller.claims, session_id)


@router.post("/password", status_code=204, responses=error_responses(409, 429, 503))
async def change_password(
    change: PasswordChange, caller: Caller, auth: Auth, address: Address
) -> None:
    """Change the password; every other session ends."""
    await auth.service.change_password(
        caller.claims,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
        address=address,
    )
