"""Users: registration, the caller's own account, and all accounts for administrators."""

from typing import Annotated
from uuid import UUID

from bedplate.integrations.fastapi import Router, error_responses
from bedplate.pagination import CursorPage
from fastapi import Query

from app.api.deps import AdminUser, Caller, CurrentUser
from app.dependencies import Users
from app.schemas.user import AccountUpdate, UserCreate, UserListParams, UserRead, UserUpdate

router = Router(prefix="/users", tags=["users"])


@router.post("", status_code=201, responses=error_responses(409, 503))
async def register(new: UserCreate, users: Users) -> UserRead:
    """Open an account. A taken address is told: see the README on what that reveals."""
    return UserRead.model_validate(await users.register(new))


@router.get("/me")
async def read_own_account(user: CurrentUser) -> UserRead:
    """Read one's own account."""
    return UserRead.model_validate(user)


@router.patch("/me")
async def change_own_account(changes: AccountUpdate, user: CurrentUser, users: Users) -> UserRead:
    """Change one's own account; what is not sent stays."""
    return UserRead.model_validate(await users.change_own(user.id, changes))


@router.delete("/me", status_code=204, responses=error_responses(409))
async def delete_own_account(caller: Caller, users: Users) -> None:
    """Delete one's own account and end all its sessions."""
    await users.delete(caller.account.id)


@router.get("")
async def list_users(
    params: Annotated[UserListParams, Query()], _: AdminUser, users: Users
) -> CursorPage[UserRead]:
    """List all accounts, by page."""
    return (await users.page(params)).map(UserRead.model_validate)


@router.get("/{user_id}", responses=error_responses(404))
async def read_user(user_id: UUID, _: AdminUser, users: Users) -> UserRead:
    """Read an account."""
    return UserRead.model_validate(await users.get(user_id))


@router.patch("/{user_id}", responses=error_responses(404, 409))
async def change_user(user_id: UUID, changes: UserUpdate, _: AdminUser, users: Users) -> UserRead:
    """Change an account; deactivating it ends its sessions."""
    return UserRead.model_validate(await users.change(user_id, changes))


@router.delete("/{user_id}", status_code=204, responses=error_responses(404, 409))
async def delete_user(user_id: UUID, _: AdminUser, users: Users) -> None:
    """Delete an account and its sessions."""
    await users.delete(user_id)
