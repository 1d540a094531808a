"""Users: registration, the caller's own account, and all accounts for administrators."""

from uuid import UUID

from bedplate.integrations.starlette import Body, Path, Query, Routes
from bedplate.pagination import CursorPage

from app.api.deps import AdminUser, Caller, CurrentUser
from app.dependencies import Users
from app.schemas.user import AccountUpdate, UserCreate, UserListParams, UserRead, UserUpdate

routes = Routes("/users", tags=["users"])


@routes.post("", status=201, errors=[409, 503])
async def register(new: Body[UserCreate], users: Users) -> UserRead:
    """Open an account. A taken address is told: see the README on what that reveals."""
    return UserRead.model_validate(await users.register(new))


@routes.get("/me")
async def read_own_account(user: CurrentUser) -> UserRead:
    """Read one's own account."""
    return UserRead.model_validate(user)


@routes.patch("/me")
async def change_own_account(
    changes: Body[AccountUpdate], user: CurrentUser, users: Users
) -> UserRead:
    """Change one's own account; what is not sent stays."""
    return UserRead.model_validate(await users.change_own(user.id, changes))


@routes.delete("/me", status=204, errors=[409])
async def delete_own_account(caller: Caller, users: Users) -> None:
    """Delete one's own account and end all its sessions."""
    await users.delete(caller.account.id)


@routes.get("")
async def list_users(
    params: Query[UserListParams], _: AdminUser, users: Users
) -> CursorPage[UserRead]:
    """List all accounts, by page."""
    return (await users.page(params)).map(UserRead.model_validate)


@routes.get("/{user_id}", errors=[404])
async def read_user(user_id: Path[UUID], _: AdminUser, users: Users) -> UserRead:
    """Read an account."""
    return UserRead.model_validate(await users.get(user_id))


@routes.patch("/{user_id}", errors=[404, 409])
async def change_user(
    user_id: Path[UUID], changes: Body[UserUpdate], _: AdminUser, users: Users
) -> UserRead:
    """Change an account; deactivating it ends its sessions."""
    return UserRead.model_validate(await users.change(user_id, changes))


@routes.delete("/{user_id}", status=204, errors=[404, 409])
async def delete_user(user_id: Path[UUID], _: AdminUser, users: Users) -> None:
    """Delete an account and its sessions."""
    await users.delete(user_id)
