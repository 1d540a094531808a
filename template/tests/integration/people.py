"""People who use the API, and what they can expect of its errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from bedplate.database import Database
from bedplate.testing import lifespan

from app.models.user import ADMINISTRATOR
from app.repositories.unit_of_work import AppUnitOfWork

type App = Any  # of any framework: what is tested is what it answers

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Member:
    """Somebody with an account, signed in."""

    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}


async def join(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> Member:
    """Open an account and sign in."""
    user = await client.post("/api/v1/users", json={"email": email, "password": password})
    assert user.status_code == 201, user.text
    pair = (await sign_in(client, email, password)).json()
    return Member(user.json()["id"], email, pair["access_token"], pair["refresh_token"])


async def sign_in(
    client: httpx.AsyncClient, email: str, password: str = PASSWORD
) -> httpx.Response:
    return await client.post("/api/v1/auth/token", data={"username": email, "password": password})


async def promote(member: Member, database: Database) -> Member:
    """Make somebody an administrator."""
    await promote_id(member.id, database)
    return member


async def promote_id(user_id: str, database: Database) -> None:
    """Make an account an administrator's."""
    async with AppUnitOfWork(database) as uow:
        await uow.users.update(UUID(user_id), {"roles": [ADMINISTRATOR]})
        await uow.commit()


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    """An error is problem details with a stable code and the id of its request."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["x-request-id"]


@asynccontextmanager
async def running(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """Run another application than that of the fixture `client`."""
    async with lifespan.running(app) as started:
        transport = httpx.ASGITransport(started)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield client
