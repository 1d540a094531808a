"""The services, ready to be asked for by name."""

from bedplate.integrations.litestar import client_address
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.types import Dependencies

from app.core.resources import Resources
from app.services import auth
from app.services.user import UserService

App = NamedDependency[Resources]
Auth = NamedDependency[auth.Auth]
Users = NamedDependency[UserService]
Address = NamedDependency[str | None]


async def get_resources(state: State) -> Resources:
    """Give what lives as long as the application."""
    resources: Resources = state.resources
    return resources


async def get_auth(app: App) -> auth.Auth:
    """Give the services for sessions, for what is confirmed by mail, and for API keys."""
    return app.auth


async def get_user_service(app: App) -> UserService:
    """Give the service for accounts a unit of work of its own."""
    return UserService(app.unit_of_work(), app.auth.policy, app.auth.hasher)


dependencies: Dependencies = {
    "app": get_resources,
    "auth": get_auth,
    "users": get_user_service,
    "address": client_address,
}
