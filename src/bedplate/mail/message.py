"""One mail, and what sends it."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of plain text to one person; a log of it shows the subject alone.

    Args:
        to: the address.
        subject: one line.
        text: the rest; links in it may be worth a password.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class Mailer(Protocol):
    """What sends mails."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises:
            MailUnavailableError: nobody takes it now.
        """
        ...
