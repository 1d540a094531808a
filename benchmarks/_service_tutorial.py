"""A service in the style of FastAPI's tutorial and of the template that its author maintains.

Instances are added, committed and refreshed; the session expires what it commits; the password is
hashed where the request is handled. There is no log, no metric, no limit and no session to revoke.
"""

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
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(os.environ["SQLALCHEMY_URL"], pool_size=20)
make_session = async_sessionmaker(engine)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)], session: Session) -> User:
    try:
        user_id = read_token(token)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise HTTPException(401, "Could not validate credentials") from error
    user = await session.get(User, user_id)
    if user is None or not user.is_active:
        raise HTTPException(401, "Could not validate credentials")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


@app.get("/health/live")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/auth/token")
async def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], session: Session) -> Token:
    result = await session.execute(select(User).where(User.email == form.username))
    user = result.scalar_one_or_none()
    if user is None or not bcrypt.checkpw(form.password.encode(), user.password_hash.encode()):
        raise HTTPException(400, "Incorrect email or password")
    return make_token(user.id)


@app.get("/api/v1/users/me", response_model=UserRead)
async def read_own_account(user: CurrentUser) -> User:
    return user


@app.get("/api/v1/products", response_model=ProductPage)
async def list_products(
    session: Session, _: CurrentUser, offset: int = 0, limit: int = 50
) -> ProductPage:
    total = (await session.execute(select(func.count()).select_from(Product))).scalar_one()
    statement = (
        select(Product)
        .order_by(Product.created_at.desc(), Product.id.desc())
        .offset(offset)
        .limit(limit)
    )
    products = (await session.execute(statement)).scalars().all()
    return ProductPage(items=[ProductRead.model_validate(each) for each in products], total=total)


@app.post("/api/v1/products", status_code=201, response_model=ProductRead)
async def add_product(new: ProductCreate, session: Session, user: CurrentUser) -> Product:
    if "admin" not in user.roles:
        raise HTTPException(403, "Not enough permissions")
    product = Product(**new.model_dump())
    session.add(product)
    await session.commit()
    await session.refresh(product)
    return product
