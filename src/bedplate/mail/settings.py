"""The mail server, as the settings name it."""

from typing import Literal

from pydantic import Field, SecretStr

from bedplate.mail.console import ConsoleMailer
from bedplate.mail.message import Mailer
from bedplate.mail.missing import MissingMailer
from bedplate.mail.smtp import SmtpMailer
from bedplate.settings import ServiceSettings


class MailSettings(ServiceSettings):
    """What every service has, and what one adds that sends mails."""

    mail_host: str | None = None
    """The mail server; without one, mails go to the console in development and nowhere else."""
    mail_port: int = Field(default=587, ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_sender: str = "service@localhost.localdomain"
    mail_username: str | None = None
    mail_password: SecretStr | None = None


def configured_mailer(settings: MailSettings) -> Mailer:
    """Send mails by the configured server; only development prints them without one.

    Raises:
        ConfigurationError: the settings do not fit together.
    """
    if settings.mail_host is None:
        return MissingMailer() if settings.is_deployed else ConsoleMailer()
    return SmtpMailer(
        settings.mail_host,
        settings.mail_port,
        sender=settings.mail_sender,
        username=settings.mail_username,
        password=settings.mail_password,
        security=settings.mail_security,
    )
