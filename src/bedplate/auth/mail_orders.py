"""What mail is to be sent about an account: without any token, so that an order may lie in a table."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

__all__ = ["MailKind", "MailOrder", "MailOrders", "order_mail"]


class MailKind(StrEnum):
    """What a mail says."""

    VERIFICATION = "verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name
    EMAIL_CHANGE = "email_change"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    EMAIL_CHANGED = "email_changed"


@dataclass(frozen=True, slots=True)
class MailOrder:
    """One mail; a token that it needs is made by who sends it.

    Args:
        kind: what it says.
        email: whom it goes to, if all is as it should be.
        account_id: whose new address ``email`` is to be.
        version: that account's ``token_version`` when it asked.
    """

    kind: MailKind
    email: str = field(repr=False)
    account_id: UUID | None = None
    version: int | None = None


class MailOrders(ABC):
    """Takes orders in the transaction of a unit of work, which has it as ``mails``."""

    @abstractmethod
    async def order(self, order: MailOrder) -> None:
        """Take an order, which is carried out exactly if the transaction commits."""


async def order_mail(uow: object, order: MailOrder) -> bool:
    """Order a mail in a unit of work, if it has ``mails``; tell whether it has.

    Args:
        uow: it is entered, and not committed here.
        order: what to send.
    """
    mails = getattr(uow, "mails", None)
    if not isinstance(mails, MailOrders):
        return False
    await mails.order(order)
    return True
