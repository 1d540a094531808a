"""Mails that a test sends to nobody and reads."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedplate.mail import Mail


class Outbox:
    """A mailer that keeps what it is given.

    ``failing`` makes the next ones fail with it, as a mail server that is down would.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.failing: Exception | None = None

    async def send(self, mail: "Mail") -> None:
        """Keep a mail."""
        if self.failing is not None:
            raise self.failing
        self.mails.append(mail)

    def to(self, address: str) -> "list[Mail]":
        """Give the mails to one address, the oldest first."""
        return [mail for mail in self.mails if mail.to == address]

    def clear(self) -> None:
        """Forget all mails."""
        self.mails.clear()
