"""Users: registration, the caller's own account, and all accounts for administrators."""

from uuid import UUID

from bedplate.integrations.litestar import Router, error_responses
from bedplate.pagination import CursorPage
from litestar.params import FromPath, FromQuery, JSONBody

from app.api.deps import AdminUser, Caller, CurrentUser
from app.dependencies import Users
from app.schemas.user import AccountUpdate, UserCreate, UserListParams, UserRead, UserUpdate

router = Router("/users", tags=["users"])


@router.post(responses=error_responses(409, 503))
async def register(data: JSONBody[UserCreate], users: Users) -> UserRead:
    """Open an account. A taken address is told: see the README on what that reveals."""
    return UserRead.model_validate(await users.register(data))


@router.get("/me")
async def read_own_account(user: CurrentUser) -> UserRead:
    """Read one's own account."""
    return UserRead.model_validate(user)


@router.patch("/me")
async def change_own_account(
    data: JSONBody[AccountUpdate], user: CurrentUser, users: Users
) -> UserRead:
    """Change one's own account; what is not sent stays."""
    return UserRead.model_validate(await users.change_own(user.id, data))


@router.delete("/me", responses=error_responses(409))
async def delete_own_account(caller: Caller, users: Users) -> None:
    """Delete one's own account and end all its sessions."""
    await users.delete(caller.account.id)


@router.get()
async def list_users(
    params: FromQuery[UserListParams], _admin: AdminUser, users: Users
) -> CursorPage[UserRead]:
    """List all accounts, by page."""
    return (await users.page(params)).map(UserRead.model_validate)


@router.get("/{user_id:str}", responses=error_responses(404))
async def read_user(user_id: FromPath[UUID], _admin: AdminUser, users: Users) -> UserRead:
    """Read an account."""
    return UserRead.model_validate(await users.get(user_id))


@router.patch("/{user_id:str}", responses=error_responses(404, 409))
async def change_user(
    user_id: FromPath[UUID], data: JSONBody[UserUpdate], _admin: AdminUser, users: Users
) -> UserRead:
    """Change an account; deactivating it ends its sessions."""
    return UserRead.model_validate(await users.change(user_id, data))


@router.delete("/{user_id:str}", responses=error_responses(404, 409))
async def delete_user(user_id: FromPath[UUID], _admin: AdminUser, users: Users) -> None:
    """Delete an account and its sessions."""
    await users.delete(user_id)
