"""The socket that the server will listen on, bound before anything slow is started."""

import errno
import socket
from contextlib import suppress
from typing import Any

from bedplate.cli.errors import CommandError


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket, not yet listening: nobody can connect before the server answers.

    Args:
        host: a name or an address; IPv6 without brackets.
        port: a number, or 0 for one that is free.

    Raises:
        CommandError: the port is taken, or the host is not one of this machine.
    """
    found: list[Any] = []
    if host:  # none would mean all networks: a variable that happens to be empty is no such wish
        with suppress(socket.gaierror, UnicodeError):
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    if not found:
        raise CommandError(f"There is no host {host!r}; give an address to --host.")
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # else a port stays taken for a minute after its last server has ended
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise refused(error, host, port) from error
    listener.set_inheritable(True)  # for the processes of --reload
    return listener


def refused(error: OSError, host: str, port: int) -> CommandError:
    """Say in a sentence why a socket cannot be had.

    Args:
        error: what binding or listening raised.
        host: as it was asked for.
        port: as it was asked for.
    """
    if error.errno == errno.EADDRINUSE:
        return CommandError(
            f"Port {port} of {host} is in use; stop what uses it, or take another with --port."
        )
    if error.errno == errno.EACCES:
        return CommandError(f"Port {port} is for administrators only; take one from 1024 up.")
    if error.errno == errno.EADDRNOTAVAIL:
        return CommandError(f"{host} is not an address of this machine; give one to --host.")
    return CommandError(f"{host} port {port} cannot be used: {error.strerror}.")


def address_of(listener: socket.socket) -> str:
    """Give the URL at which a browser on this machine reaches a bound socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
