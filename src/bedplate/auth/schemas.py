"""What the endpoints of a service that sign people in send and receive."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from bedplate.auth.emails import MAXIMUM_LENGTH, normalise_email
from bedplate.errors import InvalidDataError
from bedplate.schemas import Schema


def _normalise(email: str) -> str:
    try:
        return normalise_email(email)
    except InvalidDataError:
        pass
    raise PydanticCustomError("email", "This is not a valid e-mail address")


Email = Annotated[
    str,
    Field(
        max_length=MAXIMUM_LENGTH,
        json_schema_extra={"format": "email"},
        examples=["ada@example.com"],
    ),
    AfterValidator(_normalise),
]
"""An e-mail address, in the one spelling that is stored."""

Password = Annotated[SecretStr, Field(max_length=1024)]
"""A password, shown nowhere."""


class PasswordForm(Schema):
    """The password grant as a form (RFC 6749 section 4.3.2), as the button of /docs sends it."""

    username: str = Field(description="The e-mail address.")
    password: SecretStr
    grant_type: Literal["password"] | None = None
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None


class TokenPair(Schema):
    """An access token and the refresh token for the next one (RFC 6749 section 5.1)."""

    access_token: str = Field(repr=False, description="Sent as `Authorization: Bearer ...`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds until the access token expires.", examples=[600])
    refresh_token: str = Field(
        repr=False, description="Works once; the answer carries the next one."
    )


class RefreshRequest(Schema):
    """Asks for a new pair."""

    refresh_token: str = Field(repr=False, description="The latest refresh token of the session.")


class PasswordChange(Schema):
    """Asks for another password; every other session ends."""

    current_password: SecretStr
    new_password: Password = Field(description="Not short, and not a common one.")


class SessionRead(Schema):
    """One sign-in on one device."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    absolute_expires_at: datetime
    current: bool = Field(default=False, description="Whether it is the one that asks.")


class ApiKeyCreate(Schema):
    """Asks for a key for a machine."""

    name: str = Field(min_length=1, max_length=100, examples=["nightly export"])
    scopes: set[str] = Field(default_factory=set, max_length=50)
    days: int | None = Field(default=365, ge=1, le=3650, description="How long it is valid.")


class ApiKeyRead(Schema):
    """A key, without its text."""

    id: UUID
    name: str
    hint: str = Field(description="The key's first and last characters.")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to a minute.")


class ApiKeyIssued(ApiKeyRead):
    """A new key; its text is shown this once."""

    key: str = Field(repr=False, description="Sent as `Authorization: Bearer ...`; keep it now.")


class MailRequest(Schema):
    """Asks for a mail to an address, whether it has an account or not."""

    email: Email


class TokenPresented(Schema):
    """The token out of a mail."""

    token: str = Field(max_length=128, repr=False)


class PasswordReset(TokenPresented):
    """A new password, by the token out of a mail."""

    new_password: Password = Field(description="Not short, and not a common one.")


class EmailChange(Schema):
    """Asks for another address, which counts when it is confirmed."""

    new_email: Email
    password: SecretStr = Field(description="The present one.")
