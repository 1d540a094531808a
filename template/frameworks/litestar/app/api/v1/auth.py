"""Signing in, staying in, signing out: thin calls to the library's service."""

from uuid import UUID

from bedplate.auth.schemas import (
    PasswordChange,
    PasswordForm,
    RefreshRequest,
    SessionRead,
    TokenPair,
)
from bedplate.integrations.litestar import Router, error_responses, no_store
from litestar.params import FromPath, JSONBody, URLEncodedBody

from app.api.deps import Caller
from app.dependencies import Address, Auth

router = Router("/auth", tags=["auth"], cache_control=no_store)


@router.post("/token", status_code=200, responses=error_responses(401, 429, 503))
async def log_in(data: URLEncodedBody[PasswordForm], auth: Auth, address: Address) -> TokenPair:
    """Sign in; `username` is the e-mail address."""
    return await auth.service.log_in(
        data.username, data.password.get_secret_value(), address=address
    )


@router.post("/refresh", status_code=200, responses=error_responses(400))
async def refresh(data: JSONBody[RefreshRequest], auth: Auth) -> TokenPair:
    """Trade a refresh token for a new pair; one that was used before ends the session."""
    return await auth.service.refresh(data.refresh_token)


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


@router.delete("/sessions/{session_id:str}", responses=error_responses(404))
async def revoke_session(session_id: FromPath[UUID], caller: Caller, auth: Auth) -> None:
    """End one session of this account."""
    await auth.service.revoke_session(caller.claims, session_id)


@router.post("/password", status_code=204, responses=error_responses(409, 429, 503))
async def change_password(
    data: JSONBody[PasswordChange], caller: Caller, auth: Auth, address: Address
) -> None:
    """Change the password; every other session ends."""
    await auth.service.change_password(
        caller.claims,
        data.current_password.get_secret_value(),
        data.new_password.get_secret_value(),
        address=address,
    )
