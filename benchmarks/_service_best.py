"""A hand-written FastAPI service as somebody writes it who knows what costs time.

Nothing expires at a commit; a row is stored and read by one INSERT ... RETURNING; reads are
transactions of one statement (AUTOCOMMIT: no BEGIN, no ROLLBACK); a page is two statements and the total
is one of them; statements are built once; passwords are hashed in threads; schemas are made once and
sent as they are. There is no log, no metric, no limit and no session to revoke.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import bcrypt
import jwt
from _service_schemas import (
    ProductCreate,
    ProductPage,
    ProductRead,
    Token,
    UserRead,
    make_token,
    read_token,
)
from _service_tables import Product, User
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine(os.environ["SQLALCHEMY_URL"], pool_size=20, max_overflow=0)
make_session = async_sessionmaker(engine, expire_on_commit=False)
make_reading_session = async_sessionmaker(
    engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token")

BY_ID = select(User).where(User.id == bindparam("id"))
BY_EMAIL = select(User).where(User.email == bindparam("email"))
TOTAL = select(func.count()).select_from(Product)
PAGE = select(Product).order_by(Product.created_at.desc(), Product.id.desc())
ADD = insert(Product).returning(Product)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> User:
    try:
        user_id = read_token(token)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise HTTPException(401, "Could not validate credentials") from error
    async with make_reading_session() as session:
        user = await session.scalar(BY_ID, {"id": user_id})
    if user is None or not user.is_active:
        raise HTTPException(401, "Could not validate credentials")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


async def get_administrator(user: CurrentUser) -> User:
    if "admin" not in user.roles:
        raise HTTPException(403, "Not enough permissions")
    return user


@app.get("/health/live")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/auth/token")
async def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    async with make_reading_session() as session:
        user = await session.scalar(BY_EMAIL, {"email": form.username})
    if user is None or not await asyncio.to_thread(
        bcrypt.checkpw, form.password.encode(), user.password_hash.encode()
    ):
        raise HTTPException(400, "Incorrect email or password")
    return make_token(user.id)


@app.get("/api/v1/users/me")
async def read_own_account(user: CurrentUser) -> UserRead:
    return UserRead.model_validate(user)


@app.get("/api/v1/products")
async def list_products(_: CurrentUser, offset: int = 0, limit: int = 50) -> ProductPage:
    async with make_reading_session() as session:
        products = (await session.scalars(PAGE.offset(offset).limit(limit))).all()
        total = await session.scalar(TOTAL)
    items = [ProductRead.model_validate(each) for each in products]
    return ProductPage(items=items, total=total or 0)


@app.post("/api/v1/products", status_code=201)
async def add_product(
    new: ProductCreate, _: Annotated[User, Depends(get_administrator)]
) -> ProductRead:
    async with make_session() as session:
        product = await session.scalar(ADD, new.model_dump())
        await session.commit()
    return ProductRead.model_validate(product)
