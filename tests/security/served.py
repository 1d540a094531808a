"""A generated service as a process of its own, all that it prints kept."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx
from tests.ports import free_port

PATIENCE = 300.0  # seconds until a process that does not answer is given up; nothing is measured
SERVE = (sys.executable, "-c", "from bedplate.cli import main; main()", "serve")
_OURS = {
    "COVERAGE_PROCESS_CONFIG",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "ENVIRONMENT",
    "DATABASE_URL",
    "SECRET_KEY",
    "REDIS_URL",
}


class Instance:
    """One process of a service.

    Args:
        folder: of the service.
        environment: its settings.
    """

    drain = 0
    """Seconds that it goes on accepting once it is told to end: nobody else balances here."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._kept = bytearray()

    @property
    def printed(self) -> str:
        """All that its processes have printed."""
        return self._kept.decode(errors="replace")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start a process and wait until it takes requests."""
        inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
        self._process = await asyncio.create_subprocess_exec(
            *(*SERVE, "--drain", str(self.drain), "--port", str(self.port)),
            cwd=self.folder,
            env=inherited | self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=self.url) as client:
            while not await _is_ready(client):
                if self._process.returncode is not None:
                    raise RuntimeError(f"it does not serve: {self.printed}")
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Let it end what it does, and stop; nothing, if it has stopped."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE):
                status = await self._process.wait()
                await self._reading
        except TimeoutError:
            self._process.kill()
            raise
        assert status == 0, f"it ended with {status}: {self.printed}"

    async def restart(self, **changes: str) -> None:
        """Stop it, change its settings, start it again at the same address."""
        await self.stop()
        self.environment |= changes
        await self.start()

    async def _read(self) -> None:
        """Keep the output; a full pipe would stop the process."""
        assert self._process.stdout is not None
        while part := await self._process.stdout.read(65_536):
            self._kept += part


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
