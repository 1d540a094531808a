"""Addresses verified and changed, passwords reset, by mail; asking tells nothing of accounts."""

from bedplate.auth.schemas import EmailChange, MailRequest, PasswordReset, TokenPresented
from bedplate.integrations.starlette import Body, Routes

from app.api.deps import Caller
from app.dependencies import Address, Auth

routes = Routes("/auth", tags=["auth"], headers={"cache-control": "no-store"})


@routes.post("/verify-email", status=202, errors=[429, 503])
async def request_verification(asked: Body[MailRequest], auth: Auth, address: Address) -> None:
    """Send a mail that verifies the address, if it has an account that needs it."""
    await auth.confirmation.request_verification(asked.email, address=address)


@routes.post("/verify-email/confirm", status=204, errors=[400])
async def verify_email(presented: Body[TokenPresented], auth: Auth) -> None:
    """Verify the address that the token was sent to."""
    await auth.confirmation.verify_email(presented.token)


@routes.post("/password-reset", status=202, errors=[429, 503])
async def request_password_reset(asked: Body[MailRequest], auth: Auth, address: Address) -> None:
    """Send a mail with the way to a new password, if the address has an account."""
    await auth.confirmation.request_password_reset(asked.email, address=address)


@routes.post("/password-reset/confirm", status=204, errors=[400, 503])
async def reset_password(reset: Body[PasswordReset], auth: Auth) -> None:
    """Set a new password; every session ends."""
    await auth.confirmation.reset_password(reset.token, reset.new_password.get_secret_value())


@routes.post("/email", status=202, errors=[429, 503])
async def request_email_change(
    change: Body[EmailChange], caller: Caller, auth: Auth, address: Address
) -> None:
    """Send a mail to a new address, which counts when it is confirmed."""
    await auth.confirmation.request_email_change(
        caller.claims, change.password.get_secret_value(), change.new_email, address=address
    )


@routes.post("/email/confirm", status=204, errors=[400])
async def change_email(presented: Body[TokenPresented], auth: Auth) -> None:
    """Make the address the account's that the token was sent to."""
    await auth.confirmation.change_email(presented.token)
