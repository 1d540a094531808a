"""Mails by SMTP (RFC 5321), with the standard library in threads of its own."""

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid
from typing import Literal

from pydantic import SecretStr

from bedplate.errors import ConfigurationError, InvalidDataError, MailUnavailableError
from bedplate.mail.message import Mail

type Security = Literal["starttls", "tls", "none"]
"""STARTTLS (port 587), TLS from the first byte (port 465, RFC 8314), or a relay on this machine."""


class SmtpMailer:
    """Sends each mail over a connection of its own.

    Args:
        host: of the mail server.
        port: usually 587 for STARTTLS, 465 for TLS.
        sender: whom mails come from: ``name@example.com`` or ``Name <name@example.com>``.
        username: to log in with; None for a server that asks for none.
        password: to log in with.
        security: how the connection is protected; never less than this.
        context: which certificates are trusted; those of the system if None.
        timeout: seconds until a server that does not answer is given up.
        workers: how many mails are sent at once.

    Raises:
        ConfigurationError: a password would travel in the clear, only one of the two is given, or
            the sender is no address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        username: str | None = None,
        password: SecretStr | str | None = None,
        security: Security = "starttls",
        context: ssl.SSLContext | None = None,
        timeout: float = 10.0,
        workers: int = 2,
    ) -> None:
        if (username is None) is not (password is None):
            raise ConfigurationError("A mail server takes a user name with a password, or neither.")
        if username is not None and security == "none":
            raise ConfigurationError("A mail server's password never travels without TLS.")
        self._host, self._port, self._timeout = host, port, timeout
        self._security = security
        self._context = context or ssl.create_default_context()
        self._username = username
        self._password = SecretStr(password) if isinstance(password, str) else password
        self._sender = _check_sender(sender)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="bedplate-mail")

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server.

        Raises:
            InvalidDataError: the address or the subject cannot stand in a mail.
            MailUnavailableError: the server cannot be reached, or does not take the mail.
        """
        message = self._write(mail)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._deliver, message)

    def close(self) -> None:
        """Stop the threads after what they are sending."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _write(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = self._sender
            message["To"] = Address(addr_spec=mail.to)
            message["Subject"] = mail.subject
        except (HeaderParseError, IndexError, ValueError):
            pass  # a line break would begin another header
        else:
            message["Date"] = localtime()
            message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].strip("> "))
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office replies stay out
            message.set_content(mail.text, cte="quoted-printable")  # every server takes ASCII
            return message
        raise InvalidDataError("No mail can be sent to this address.", field="email")

    def _deliver(self, message: EmailMessage) -> None:
        taken = False
        try:
            with self._connect() as server:
                if self._security == "starttls":
                    server.starttls(context=self._context)
                if self._username is not None and self._password is not None:
                    server.login(self._username, self._password.get_secret_value())
                server.send_message(message)
                taken = True  # whatever goes wrong in taking leave
        except (smtplib.SMTPException, OSError):
            pass  # what they say repeats addresses
        if not taken:
            raise MailUnavailableError

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)


def _check_sender(sender: str) -> str:
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        [address] = message["From"].addresses
    except (HeaderParseError, IndexError, ValueError):
        address = None
    if address is None or not address.username or not address.domain:
        raise ConfigurationError("The sender of mails is not an address.")
    return sender
