"""The least that does the same work: Starlette, asyncpg, SQL, orjson. Nothing is documented or checked twice."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import bcrypt
import jwt
import orjson
from _service_schemas import ProductCreate, make_token, read_token
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

USER = "id, email, full_name, is_active, is_verified, roles, created_at, updated_at"
PRODUCT = "id, name, price, quantity, created_at, updated_at"


def answer(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content, default=_text), status, media_type="application/json")


def _text(value: object) -> str:
    if isinstance(value, (Decimal, UUID)):  # asyncpg's is a subclass of the latter
        return str(value)
    raise TypeError


def pool(request: Request) -> Any:  # noqa: ANN401 - asyncpg has no types
    return request.app.state.pool


async def current_user(request: Request) -> Any:  # noqa: ANN401
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        user_id = read_token(token)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise HTTPException(401) from error
    user = await pool(request).fetchrow(f"SELECT {USER} FROM users WHERE id = $1", user_id)
    if kind.lower() != "bearer" or user is None or not user["is_active"]:
        raise HTTPException(401)
    return user


async def health(_request: Request) -> Response:
    return answer({"status": "ok"})


async def log_in(request: Request) -> Response:
    form = await request.form()
    email, password = str(form["username"]), str(form["password"])
    user = await pool(request).fetchrow(
        "SELECT id, password_hash FROM users WHERE email = $1", email
    )
    if user is None or not await asyncio.to_thread(
        bcrypt.checkpw, password.encode(), user["password_hash"].encode()
    ):
        raise HTTPException(400)
    return answer(make_token(user["id"]).model_dump())


async def read_own_account(request: Request) -> Response:
    return answer(dict(await current_user(request)))


async def list_products(request: Request) -> Response:
    await current_user(request)
    offset = int(request.query_params.get("offset", 0))
    limit = int(request.query_params.get("limit", 50))
    rows = await pool(request).fetch(
        f"SELECT {PRODUCT} FROM products ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT $2",
        offset,
        limit,
    )
    total = await pool(request).fetchval("SELECT count(*) FROM products")
    return answer({"items": [dict(row) for row in rows], "total": total})


async def add_product(request: Request) -> Response:
    user = await current_user(request)
    if "admin" not in user["roles"]:
        raise HTTPException(403)
    try:
        new = ProductCreate.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(422) from error
    row = await pool(request).fetchrow(
        "INSERT INTO products (id, name, price, quantity) VALUES (gen_random_uuid(), $1, $2, $3)"
        f" RETURNING {PRODUCT}",
        new.name,
        new.price,
        new.quantity,
    )
    return answer(dict(row), 201)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["ASYNCPG_URL"], min_size=20, max_size=20) as opened:
        app.state.pool = opened
        yield


async def products(request: Request) -> Response:
    return await (add_product if request.method == "POST" else list_products)(request)


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/health/live", health),
        Route("/api/v1/auth/token", log_in, methods=["POST"]),
        Route("/api/v1/users/me", read_own_account),
        Route("/api/v1/products", products, methods=["GET", "POST"]),
    ],
)
