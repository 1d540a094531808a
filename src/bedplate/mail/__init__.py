"""Sending mail: to the console in development, by SMTP in production; needs no extra."""

from bedplate.mail.console import ConsoleMailer
from bedplate.mail.message import Mail, Mailer
from bedplate.mail.missing import MissingMailer
from bedplate.mail.settings import MailSettings, configured_mailer
from bedplate.mail.smtp import SmtpMailer

__all__ = [
    "ConsoleMailer",
    "Mail",
    "MailSettings",
    "Mailer",
    "MissingMailer",
    "SmtpMailer",
    "configured_mailer",
]
