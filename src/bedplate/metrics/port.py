"""Metrics on a port of their own, which no proxy of the service forwards."""

import socket
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import override

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler

from bedplate.errors import ConfigurationError

__all__ = ["MetricsPort"]

_SLOWEST = 10  # seconds that a scrape may take to ask
_POLL = 0.1  # seconds until a server that is to end does so


class MetricsPort:
    """A small server in a thread.

    Args:
        registry: what is shown, at any path.
        host: address to listen on.
        port: port to listen on, or 0 for any that is free.
        shared: whether all workers listen on the one port; whoever answers shows the numbers of all.
    """

    def __init__(
        self, registry: CollectorRegistry, host: str, port: int, *, shared: bool = False
    ) -> None:
        self._make = partial(_Server, (host, port), registry, shared=shared)
        self._server: _Server | None = None
        self._where = f"METRICS_PORT {port} of {host}"

    @property
    def port(self) -> int:
        """The port that it listens on.

        Raises:
            RuntimeError: it does not.
        """
        if self._server is None:
            raise RuntimeError("the metrics' port is not open")
        return self._server.server_port

    def open(self) -> None:
        """Begin to listen.

        Raises:
            ConfigurationError: the port cannot be had.
        """
        try:
            self._server = self._make()
        except (OSError, OverflowError) as error:
            raise ConfigurationError(f"{self._where} cannot be listened on.") from error
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="metrics", daemon=True
        ).start()

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], registry: CollectorRegistry, *, shared: bool
    ) -> None:
        self.allow_reuse_port = shared
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        handler = type("Handler", (MetricsHandler,), {"registry": registry, "timeout": _SLOWEST})
        super().__init__(address, handler)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a scraper that hangs up is no event."""

    @override
    def server_bind(self) -> None:
        """Bind, without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
