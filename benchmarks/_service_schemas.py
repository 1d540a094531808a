"""What the two hand-written FastAPI services take and give, and how they read an access token."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import jwt
from pydantic import BaseModel, ConfigDict, Field

SECRET = os.environ["SECRET_KEY"]
ALGORITHM = "HS256"


class UserRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    full_name: str | None
    is_active: bool
    is_verified: bool
    roles: list[str]
    created_at: datetime
    updated_at: datetime


class ProductCreate(BaseModel):
    name: str = Field(max_length=200)
    price: Decimal
    quantity: int


class ProductRead(ProductCreate):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    updated_at: datetime


class ProductPage(BaseModel):
    items: list[ProductRead]
    total: int


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


def make_token(user_id: UUID) -> Token:
    claims = {"sub": str(user_id), "exp": datetime.now(UTC) + timedelta(minutes=10)}
    return Token(access_token=jwt.encode(claims, SECRET, algorithm=ALGORITHM))


def read_token(token: str) -> UUID:
    """Give whose token it is; jwt.InvalidTokenError or ValueError if nobody's."""
    claims = jwt.decode(token, SECRET, algorithms=[ALGORITHM])
    return UUID(claims["sub"])
