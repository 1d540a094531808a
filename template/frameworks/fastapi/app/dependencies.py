"""The services, ready to be asked for by name.

All are `async`: FastAPI sends a plain function to a thread for each request that asks for it.
"""

from typing import Annotated

from bedplate.integrations.fastapi import client_address
from fastapi import Depends
from starlette.requests import HTTPConnection

from app.core.resources import Resources
from app.services import auth
from app.services.user import UserService


async def get_resources(connection: HTTPConnection) -> Resources:
    """Give what lives as long as the application."""
    resources: Resources = connection.app.state.resources
    return resources


App = Annotated[Resources, Depends(get_resources)]


async def get_auth(connection: HTTPConnection) -> auth.Auth:
    """Give the services for sessions, for what is confirmed by mail, and for API keys."""
    return (await get_resources(connection)).auth


async def get_user_service(app: App) -> UserService:
    """Give the service for accounts a unit of work of its own."""
    return UserService(app.unit_of_work(), app.auth.policy, app.auth.hasher)


Auth = Annotated[auth.Auth, Depends(get_auth)]
Users = Annotated[UserService, Depends(get_user_service)]
Address = Annotated[str | None, Depends(client_address)]
