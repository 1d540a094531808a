"""Users as clients see them."""

from typing import Literal

from bedplate.auth.schemas import Email, Password
from bedplate.fields import Line
from bedplate.pagination import CursorParams, sort_by
from bedplate.schemas import Patch, Schema, Stored, absent
from pydantic import AwareDatetime, Field

Role = Literal["admin"]


class UserCreate(Schema):
    """A new account."""

    email: Email
    password: Password
    full_name: Line | None = None


class AccountUpdate(Patch):
    """What people may change of their own account; what is absent stays."""

    full_name: Line | None = absent()


class UserUpdate(AccountUpdate):
    """What administrators may change of any account; what is absent stays."""

    is_active: bool = absent()
    is_verified: bool = absent()
    roles: list[Role] = absent()


class UserRead(Stored):
    """An account."""

    email: str
    full_name: str | None
    is_active: bool
    is_verified: bool
    roles: list[str]


class UserListParams(CursorParams):
    """Which accounts, in which order."""

    sort: str = sort_by("-created_at", "email")
    email: str | None = Field(default=None, max_length=254, description="Part of the address.")
    is_active: bool | None = None
    created_after: AwareDatetime | None = Field(default=None, description="Inclusive.")
    created_before: AwareDatetime | None = Field(default=None, description="Exclusive.")
