"""No mail server."""

from bedplate.errors import MailUnavailableError
from bedplate.mail.message import Mail


class MissingMailer:
    """Refuses every mail, where none is configured and links must not be printed."""

    async def send(self, mail: Mail) -> None:  # noqa: ARG002 - as the protocol has it
        """Refuse."""
        raise MailUnavailableError("No mail server is configured.")
