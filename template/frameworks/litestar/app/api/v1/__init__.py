"""Version 1 of the API."""

from litestar import Router

from app.api.deps import callers
from app.api.v1 import api_keys, auth, confirmation, users
from app.dependencies import dependencies

router = Router(
    "/api/v1",
    route_handlers=[api_keys.router, auth.router, confirmation.router, users.router],
    dependencies={**dependencies, **callers},
)
