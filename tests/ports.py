"""Ports for the servers of tests."""

import random
import socket
from pathlib import Path

_LOWEST = 15_000
_EPHEMERAL = 32_768  # where Linux begins to take the ports of outgoing connections, as a rule
_chance = random.SystemRandom()  # each process of a parallel run draws others


def free_port() -> int:
    """Give a port of 127.0.0.1 that is free and stays so until it is used.

    One that the system gives (port 0) is of those it also gives to outgoing connections: while a
    server is stopped in between, another process may get its port.
    """
    while True:
        port = _chance.randrange(_LOWEST, _first_ephemeral())
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _first_ephemeral() -> int:
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    except OSError:  # not Linux
        return _EPHEMERAL
    return max(int(text.split()[0]), _LOWEST + 1000)
