"""What the mails about an account say; subclass it to say it otherwise."""

from dataclasses import dataclass
from datetime import timedelta

from bedplate.errors import ConfigurationError
from bedplate.mail import Mail

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes the mails of a service.

    Links carry their token behind ``#``: a browser sends that part to nobody, so that it is in no
    access log and no Referer header. The page there reads it and posts it to the service.

    Args:
        service: the name that people know the service by.
        site: where the pages are, as ``https://app.example.com``; None if there are none yet: the
            mails then carry the bare token.
        verification_path: the page that confirms an address.
        password_reset_path: the page that asks for a new password.
        email_change_path: the page that confirms a new address.

    Raises:
        ConfigurationError: the site is no origin, or a name holds a line break.
    """

    service: str
    site: str | None = None
    verification_path: str = "/verify-email"
    password_reset_path: str = "/reset-password"  # noqa: S105 - a path
    email_change_path: str = "/confirm-email"

    def __post_init__(self) -> None:
        if not self.service.isprintable() or not self.service:
            raise ConfigurationError("The service's name in mails is blank or not one line.")
        if self.site is not None and not self.site.startswith(("https://", "http://")):
            raise ConfigurationError("The site that mails link to begins with https://.")

    def verification(self, to: str, token: str, lifetime: timedelta) -> Mail:
        """Ask whether an address is the account's."""
        return Mail(
            to,
            f"Confirm your address for {self.service}",
            f"Please confirm that this is your address:\n\n"
            f"{self._link(self.verification_path, token)}\n\n"
            f"This works once, within {_within(lifetime)}. "
            f"If you have no account at {self.service}, do nothing.",
        )

    def password_reset(self, to: str, token: str, lifetime: timedelta) -> Mail:
        """Give the way to a new password."""
        return Mail(
            to,
            f"A new password for {self.service}",
            f"Somebody, hopefully you, asked for a new password for your account:\n\n"
            f"{self._link(self.password_reset_path, token)}\n\n"
            f"This works once, within {_within(lifetime)}. "
            "If it was not you, do nothing: your password stays as it is.",
        )

    def email_change(self, to: str, token: str, lifetime: timedelta) -> Mail:
        """Ask at the new address whether it is the account's."""
        return Mail(
            to,
            f"Confirm your new address for {self.service}",
            f"Please confirm that this is the new address of your account:\n\n"
            f"{self._link(self.email_change_path, token)}\n\n"
            f"This works once, within {_within(lifetime)}. If you did not ask for it, do nothing.",
        )

    def email_taken(self, to: str) -> Mail:
        """Tell the owner of an address that another account wanted it."""
        return Mail(
            to,
            f"Your address at {self.service}",
            f"Somebody asked to use this address for an account at {self.service}. It belongs to "
            "your account already, so nothing was changed. If it was you, log in with this address.",
        )

    def password_changed(self, to: str) -> Mail:
        """Tell that there is a new password."""
        return Mail(
            to,
            f"Your password for {self.service} was changed",
            "Your password was changed, and all other devices were logged out. "
            "If it was not you, ask for a new password at once.",
        )

    def email_changed(self, to: str) -> Mail:
        """Tell the old address that it is not the account's any more."""
        return Mail(
            to,
            f"Your address for {self.service} was changed",
            f"Your account at {self.service} has another address now. "
            "If it was not you, tell us at once.",
        )

    def _link(self, path: str, token: str) -> str:
        return token if self.site is None else f"{self.site.rstrip('/')}{path}#token={token}"


def _within(lifetime: timedelta) -> str:
    minutes = int(lifetime.total_seconds()) // _SECONDS
    if minutes % _SECONDS:
        return f"{minutes} minutes"
    hours = minutes // _SECONDS
    return "1 hour" if hours == 1 else f"{hours} hours"
