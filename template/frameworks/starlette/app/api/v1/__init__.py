"""Version 1 of the API."""

from bedplate.integrations.starlette import Routes

from app.api.v1 import api_keys, auth, confirmation, users

routes = Routes("/api/v1", api_keys.routes, auth.routes, confirmation.routes, users.routes)
