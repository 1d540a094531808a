"""Mails on the console, for development."""

import sys
from typing import TextIO

from bedplate.mail.message import Mail


class ConsoleMailer:
    """Prints mails instead of sending them; not through the log, which would hide their links.

    Args:
        stream: where to; standard error if None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, mail: Mail) -> None:
        """Print a mail."""
        stream = self._stream or sys.stderr
        rule = "-" * 72
        stream.write(f"{rule}\nTo: {mail.to}\nSubject: {mail.subject}\n\n{mail.text}\n{rule}\n")
        stream.flush()
