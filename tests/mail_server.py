"""A mail server that takes what it is sent, and can be told to misbehave."""

import asyncio
import ssl
from typing import Any


class MailServer:
    """Speaks as much of RFC 5321 as one mail takes."""

    def __init__(self, starttls: ssl.SSLContext | None = None) -> None:
        self.starttls = starttls
        self.encrypted: list[str] = []
        """The commands that came after the connection was encrypted."""
        self.port = 0
        self.commands: list[str] = []
        self.messages: list[str] = []
        self.arrival = asyncio.Condition()
        """Notified of each message."""
        self.answers: dict[str, bytes] = {}

    async def serve(self, reader: Any, writer: Any) -> None:
        writer.write(self.answers.get("", b"220 ready\r\n"))
        while line := await reader.readline():
            verb = line.split()[0].decode().upper()
            self.commands.append(line.decode().strip())
            if writer.get_extra_info("sslcontext"):
                self.encrypted.append(verb)
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                written = (await reader.readuntil(b"\r\n.\r\n")).decode()
                self.messages.append(written.removesuffix(".\r\n").replace("\r\n..", "\r\n."))
                async with self.arrival:
                    self.arrival.notify_all()
            default = b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n"
            if verb == "EHLO":
                offered = b"STARTTLS" if self.starttls else b"8BITMIME"
                default = b"250-here\r\n250-" + offered + b"\r\n250 AUTH PLAIN\r\n"
            if verb == "STARTTLS" and self.starttls is not None:
                writer.write(self.answers.get(verb, b"220 go on\r\n"))
                await writer.start_tls(self.starttls)
                continue
            writer.write(self.answers.get(verb, b"235 in\r\n" if verb == "AUTH" else default))
            if verb == "QUIT":
                break
            await writer.drain()
        writer.close()


async def running(server: MailServer, context: ssl.SSLContext | None) -> Any:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    return listening
