"""Version 1 of the API."""

from bedplate.integrations.fastapi import Router

from app.api.v1 import api_keys, auth, confirmation, users

router = Router(prefix="/api/v1")
router.include_router(users.router)  # first what is called most: routes are tried in this order
router.include_router(api_keys.router)
router.include_router(auth.router)
router.include_router(confirmation.router)
