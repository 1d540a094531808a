"""bedplate.mail"""

import email
import email.policy
import io
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest

from bedplate.errors import ConfigurationError, InvalidDataError, MailUnavailableError
from bedplate.mail import ConsoleMailer, Mail, MissingMailer, SmtpMailer
from bedplate.testing import Outbox

MAIL = Mail("ada@example.com", "Grüße", "https://example.com/#token=secret\n\nÄ line.\n.\nDot.")
SENDER = "Orders <orders@example.com>"


def mailer(server: Any, **settings: Any) -> SmtpMailer:
    made: dict[str, Any] = {"sender": SENDER, "security": "none", "timeout": 5.0} | settings
    return SmtpMailer("127.0.0.1", server.port, **made)


async def test_a_mail_arrives_as_it_was_written(server: Any) -> None:
    sending = mailer(server)
    await sending.send(MAIL)
    sending.close()
    arrived = email.message_from_string(server.messages[0], policy=email.policy.default)
    assert (arrived["From"], arrived["To"], arrived["Subject"]) == (SENDER, MAIL.to, MAIL.subject)
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Message-ID"].endswith("@example.com>")
    body = arrived.get_content().replace("\r\n", "\n")
    assert body.startswith("https://example.com/#token=secret\n\nÄ line.\n")


async def test_logs_in_over_tls(tls_server: Any, certificate: Path) -> None:
    trusted = ssl.create_default_context(cafile=certificate)
    sending = mailer(tls_server, security="tls", context=trusted, username="u", password="p")
    await sending.send(MAIL)
    sending.close()
    assert len(tls_server.messages) == 1
    assert any(command.startswith("AUTH PLAIN") for command in tls_server.commands)


async def test_turns_to_tls_before_password_and_mail(
    starttls_server: Any, certificate: Path
) -> None:
    trusted = ssl.create_default_context(cafile=certificate)
    sending = mailer(
        starttls_server, security="starttls", context=trusted, username="u", password="p"
    )
    await sending.send(MAIL)
    sending.close()
    assert len(starttls_server.messages) == 1
    assert starttls_server.encrypted == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_the_console_shows_a_mail_whole() -> None:
    stream = io.StringIO()
    await ConsoleMailer(stream).send(MAIL)
    assert MAIL.text in stream.getvalue()
    assert f"To: {MAIL.to}" in stream.getvalue()


@pytest.mark.unhappy
async def test_a_server_that_hides_starttls_gets_neither_password_nor_mail(server: Any) -> None:
    """Stripping STARTTLS from the answer is how somebody in between would read along."""
    sending = mailer(server, security="starttls", username="u", password="cAnArY")
    with pytest.raises(MailUnavailableError):
        await sending.send(MAIL)
    sending.close()
    assert not server.messages
    assert not [command for command in server.commands if not command.startswith(("ehlo", "QUIT"))]


@pytest.mark.unhappy
async def test_behind_starttls_an_untrusted_certificate_gets_neither_password_nor_mail(
    starttls_server: Any,
) -> None:
    sending = mailer(starttls_server, security="starttls", username="u", password="cAnArY")
    with pytest.raises(MailUnavailableError):
        await sending.send(MAIL)
    sending.close()
    assert starttls_server.messages == []
    assert {command.split()[0].upper() for command in starttls_server.commands} <= {
        "EHLO",
        "STARTTLS",
    }


@pytest.mark.unhappy
async def test_a_server_that_offers_starttls_and_refuses_it_gets_no_mail(
    starttls_server: Any, certificate: Path
) -> None:
    starttls_server.starttls = None
    starttls_server.answers["EHLO"] = b"250-here\r\n250 STARTTLS\r\n"
    starttls_server.answers["STARTTLS"] = b"454 not now\r\n"
    trusted = ssl.create_default_context(cafile=certificate)
    sending = mailer(
        starttls_server, security="starttls", context=trusted, username="u", password="cAnArY"
    )
    with pytest.raises(MailUnavailableError):
        await sending.send(MAIL)
    sending.close()
    assert starttls_server.messages == []
    assert not any("AUTH" in command for command in starttls_server.commands)


@pytest.mark.unhappy
async def test_an_untrusted_certificate_is_no_server_of_ours(tls_server: Any) -> None:
    sending = mailer(tls_server, security="tls")
    with pytest.raises(MailUnavailableError):
        await sending.send(MAIL)
    sending.close()
    assert not tls_server.commands


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("", b"554 go away\r\n"),
        ("", b"not SMTP at all\r\n"),
        ("RCPT", b"550 ada@example.com is not here\r\n"),
        ("MAIL", b"451 later\r\n"),
        ("DATA", b"552 too much\r\n"),
    ],
)
async def test_a_server_that_refuses_is_one_error_without_the_address(
    server: Any, verb: str, answer: bytes
) -> None:
    server.answers[verb] = answer
    sending = mailer(server)
    with pytest.raises(MailUnavailableError) as caught:
        await sending.send(MAIL)
    sending.close()
    assert "ada@example.com" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.unhappy
async def test_a_mail_that_was_taken_is_sent_however_the_server_takes_leave(server: Any) -> None:
    server.answers["QUIT"] = b"421 gone\r\n"
    sending = mailer(server)
    await sending.send(MAIL)
    sending.close()
    assert len(server.messages) == 1


@pytest.mark.unhappy
async def test_a_server_that_is_not_there_is_the_same_error(server: Any) -> None:
    sending = SmtpMailer("127.0.0.1", 1, sender=SENDER, security="none")
    with pytest.raises(MailUnavailableError):
        await sending.send(MAIL)
    sending.close()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.com\r\nBcc: eve@example.com", "x"),
        ("ada@example.com\nX: y", "x"),
        ("ada@example.com", "x\r\nBcc: eve@example.com"),
        ("ada@example.com, eve@example.com", "x"),
        ("", "x"),
        ("nobody", "x\ny"),
    ],
)
async def test_no_address_or_subject_begins_another_header(
    server: Any, to: str, subject: str
) -> None:
    sending = mailer(server)
    with pytest.raises(InvalidDataError):
        await sending.send(Mail(to, subject, "text"))
    sending.close()
    assert not server.commands


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings",
    [
        {"username": "u", "password": "p", "security": "none"},
        {"username": "u"},
        {"password": "p"},
        {"sender": "nobody"},
        {"sender": "a@example.com, b@example.com"},
        {"sender": "a@example.com\nBcc: b@example.com"},
        {"sender": ""},
    ],
)
def test_refuses_to_start_misconfigured(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        SmtpMailer("localhost", 25, **{"sender": SENDER} | settings)


@pytest.mark.unhappy
def test_no_repr_shows_whom_a_mail_goes_to_or_what_it_says() -> None:
    assert repr(MAIL) == "Mail(subject='Grüße')"
    sending = SmtpMailer("localhost", 465, sender=SENDER, username="u", password="cAnArY")
    assert "cAnArY" not in repr(sending) + repr(vars(sending))
    sending.close()


@pytest.mark.unhappy
async def test_an_outbox_fails_when_told_to(outbox: Outbox) -> None:
    await outbox.send(MAIL)
    outbox.failing = MailUnavailableError()
    with pytest.raises(MailUnavailableError):
        await outbox.send(MAIL)
    assert outbox.to("ada@example.com") == [MAIL]
    assert outbox.to("eve@example.com") == []
    outbox.clear()
    assert outbox.mails == []


@pytest.mark.unhappy
async def test_where_no_server_is_configured_no_mail_is_taken() -> None:
    with pytest.raises(MailUnavailableError, match="configured"):
        await MissingMailer().send(MAIL)
