"""Signing in, staying in, signing out: thin calls to the library's service."""

from uuid import UUID

from bedplate.auth.schemas import (
    PasswordChange,
    PasswordForm,
    RefreshRequest,
    SessionRead,
    TokenPair,
)
from bedplate.integrations.starlette import Body, Form, Path, Routes

from app.api.deps import Caller
from app.dependencies import Address, Auth

routes = Routes("/auth", tags=["auth"], headers={"cache-control": "no-store"})


@routes.post("/token", errors=[401, 429, 503])
async def log_in(form: Form[PasswordForm], auth: Auth, address: Address) -> TokenPair:
    """Sign in; `username` is the e-mail address."""
    return await auth.service.log_in(
        form.username, form.password.get_secret_value(), address=address
    )


@routes.post("/refresh", errors=[400])
async def refresh(presented: Body[RefreshRequest], auth: Auth) -> TokenPair:
    """Trade a refresh token for a new pair; one that was used before ends the session."""
    return await auth.service.refresh(presented.refresh_token)


@routes.post("/logout", status=204)
async def log_out(caller: Caller, auth: Auth) -> None:
    """End this session."""
    await auth.service.log_out(caller.claims)


@routes.post("/logout-all", status=204)
async def log_out_everywhere(caller: Caller, auth: Auth) -> None:
    """End all sessions of this account."""
    await auth.service.log_out_everywhere(caller.claims)


@routes.get("/sessions")
async def list_sessions(caller: Caller, auth: Auth) -> list[SessionRead]:
    """List where this account is signed in: the 100 sessions that were used last."""
    return await auth.service.sessions(caller.claims)


@routes.delete("/sessions/{session_id}", status=204, errors=[404])
async def revoke_session(session_id: Path[UUID], caller: Caller, auth: Auth) -> None:
    """End one session of this account."""
    await auth.service.revoke_session(caller.claims, session_id)


@routes.post("/password", status=204, errors=[409, 429, 503])
async def change_password(
    change: Body[PasswordChange], caller: Caller, auth: Auth, address: Address
) -> None:
    """Change the password; every other session ends."""
    await auth.service.change_password(
        caller.claims,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
        address=address,
    )
