"""Addresses verified and changed, passwords reset, by mail; asking tells nothing of accounts."""

from bedplate.auth.schemas import EmailChange, MailRequest, PasswordReset, TokenPresented
from bedplate.integrations.fastapi import Router, error_responses, no_store
from fastapi import Depends

from app.api.deps import Caller
from app.dependencies import Address, Auth

router = Router(prefix="/auth", tags=["auth"], dependencies=[Depends(no_store)])


@router.post("/verify-email", status_code=202, responses=error_responses(429, 503))
async def request_verification(asked: MailRequest, auth: Auth, address: Address) -> None:
    """Send a mail that verifies the address, if it has an account that needs it."""
    await auth.confirmation.request_verification(asked.email, address=address)


@router.post("/verify-email/confirm", status_code=204, responses=error_responses(400))
async def verify_email(presented: TokenPresented, auth: Auth) -> None:
    """Verify the address that the token was sent to."""
    await auth.confirmation.verify_email(presented.token)


@router.post("/password-reset", status_code=202, responses=error_responses(429, 503))
async def request_password_reset(asked: MailRequest, auth: Auth, address: Address) -> None:
    """Send a mail with the way to a new password, if the address has an account."""
    await auth.confirmation.request_password_reset(asked.email, address=address)


@router.post("/password-reset/confirm", status_code=204, responses=error_responses(400, 503))
async def reset_password(reset: PasswordReset, auth: Auth) -> None:
    """Set a new password; every session ends."""
    await auth.confirmation.reset_password(reset.token, reset.new_password.get_secret_value())


@router.post("/email", status_code=202, responses=error_responses(429, 503))
async def request_email_change(
    change: EmailChange, caller: Caller, auth: Auth, address: Address
) -> None:
    """Send a mail to a new address, which counts when it is confirmed."""
    await auth.confirmation.request_email_change(
        caller.claims, change.password.get_secret_value(), change.new_email, address=address
    )


@router.post("/email/confirm", status_code=204, responses=error_responses(400))
async def change_email(presented: TokenPresented, auth: Auth) -> None:
    """Make the address the account's that the token was sent to."""
    await auth.confirmation.change_email(presented.token)
