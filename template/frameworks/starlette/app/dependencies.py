"""The services, ready to be asked for by name."""

from typing import Annotated

from bedplate.integrations.starlette import FromRequest, client_address
from starlette.requests import HTTPConnection

from app.core.resources import Resources
from app.services import auth
from app.services.user import UserService


def get_resources(connection: HTTPConnection) -> Resources:
    """Give what lives as long as the application."""
    resources: Resources = connection.app.state.resources
    return resources


def get_auth(connection: HTTPConnection) -> auth.Auth:
    """Give the services for sessions, for what is confirmed by mail, and for API keys."""
    return get_resources(connection).auth


def get_user_service(connection: HTTPConnection) -> UserService:
    """Give the service for accounts a unit of work of its own."""
    app = get_resources(connection)
    return UserService(app.unit_of_work(), app.auth.policy, app.auth.hasher)


Auth = Annotated[auth.Auth, FromRequest(get_auth)]
Users = Annotated[UserService, FromRequest(get_user_service)]
Address = Annotated[str | None, FromRequest(client_address)]
