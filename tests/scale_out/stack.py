"""A generated service as it runs on many machines: all of them processes of this one."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import httpx
from sqlalchemy import text
from tests.clusters import Cluster, PgBouncer, Server, Standby
from tests.redis_server import Redis
from tests.security.served import PATIENCE, Instance
from tests.template.harness import generate, snapshot

from bedplate.auth.keys import generate_secret
from bedplate.database import Database

REPLICAS = 3
WORKERS = 2
SIGN_UPS = 20
"""How many accounts one address may open in an hour."""

DROPPED = "dropped-"
"""How the name of an entry begins whose transaction is rolled back, with the job in it."""

JOB = '''

@jobs.job("entry_added")
async def entry_added(name: str, shared: Resources) -> None:
    """Write down that it ran."""
    from sqlalchemy import text

    async with shared.database.session() as session:
        await session.execute(text("INSERT INTO job_runs VALUES (:name)"), {"name": name})
        await session.commit()
'''
ENQUEUE = f"""
            from app.jobs import entry_added
            from bedplate.errors import InvalidDataError

            await uow.jobs.enqueue(entry_added, entry.name)
            if entry.name.startswith("{DROPPED}"):
                raise InvalidDataError
"""


class Replica(Instance):
    """One process of the service, which a test may kill."""

    drain = 1  # HAProxy asks for readiness four times in that time

    async def kill(self) -> None:
        """Kill it as a machine dies: nothing is ended in good order."""
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self._reading


class Worker(Replica):
    """One process that runs the service's jobs."""

    async def start(self) -> None:
        """Start it; it finds the database by itself."""
        inherited = os.environ | self.environment
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bedplate.cli import main; main()", "worker"),
            cwd=self.folder,
            env=inherited,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())


class HAProxy(Server):
    """Debian's HAProxy before the replicas: it asks for readiness, and sends reads twice.

    Args:
        folder: of its own.
        ports: of the replicas.
    """

    def __init__(self, folder: Path, ports: list[int]) -> None:
        super().__init__(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        servers = "\n".join(f"  server s{port} 127.0.0.1:{port} check" for port in ports)
        self.configuration = folder / "haproxy.cfg"
        self.configuration.write_text(
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n"
            "  timeout server 60s\n  timeout check 2s\n  retries 3\n  option redispatch 1\n"
            "  option http-server-close\n"
            f"frontend all\n  bind 127.0.0.1:{self.port}\n  default_backend service\n"
            "backend service\n  balance roundrobin\n  option httpchk GET /health/ready\n"
            "  retry-on conn-failure empty-response\n"
            "  http-request disable-l7-retry unless METH_GET\n"
            "  default-server inter 250ms fall 1 rise 1\n"
            f"{servers}\n"
        )
        self.configuration.chmod(0o644)

    def start(self) -> None:
        """Start it."""
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "this test needs HAProxy: apt-get install haproxy"
        self.launch(program, "-db", "-f", self.configuration)


class Stack:
    """Primary and standby, PgBouncer, Redis, HAProxy, three replicas of the service, two workers.

    Args:
        framework: what the service is generated with.
    """

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self._kept = AsyncExitStack()
        folder = Path(
            self._kept.enter_context(tempfile.TemporaryDirectory(prefix="scale-", dir="/tmp"))
        )
        folder.chmod(0o755)
        self.folder = folder
        self.primary = Cluster(folder / "primary")
        self.standby = Standby(folder / "standby", self.primary)
        self.pooler = PgBouncer(folder / "pgbouncer", self.primary.port, pool_size=20)
        self.redis = Redis()
        self.service = folder / "service"

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._start_servers)
        template = self.folder / "template"
        template.mkdir()
        options = {"framework": self.framework, "redis": True, "jobs": True}
        generate(snapshot(template), self.service, **options)
        await self.bedplate("add", "resource", "entry", "name:str:80!", "owner:ref:users")
        self._enqueue_jobs()
        self.environment = self._environment()
        await self.bedplate("db", "upgrade")
        await self._create_job_runs()
        self.replicas = [Replica(self.service, self.environment) for _ in range(REPLICAS)]
        self.workers = [Worker(self.service, self.environment) for _ in range(WORKERS)]
        processes = [*self.replicas, *self.workers]
        await asyncio.gather(*(process.start() for process in processes))
        self.proxy = HAProxy(self.folder / "haproxy", [each.port for each in self.replicas])
        self.proxy.start()
        await self.until_all_serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(process.stop() for process in [*self.replicas, *self.workers]))
        for server in (self.proxy, self.pooler, self.standby, self.primary, self.redis):
            server.stop()
        await self._kept.aclose()

    async def until_all_serve(self) -> None:
        """Wait until the proxy has heard of each that it is ready."""
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            seen: set[str] = set()
            while len(seen) < REPLICAS:
                try:
                    answer = await client.get(f"{self.proxy.url}/health/ready")
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.is_success:
                    seen = {each.url for each in self.replicas if await _ready(client, each.url)}
                await asyncio.sleep(0.05)

    async def bedplate(self, *arguments: str) -> None:
        """Run a command of the service."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bedplate.cli import main; main()", *arguments),
            cwd=self.service,
            env=os.environ | getattr(self, "environment", {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()

    def _enqueue_jobs(self) -> None:
        """Let the service enqueue a job for each entry, and take back some of both."""
        jobs = self.service / "src" / "app" / "jobs.py"
        jobs.write_text(jobs.read_text() + JOB)
        service = self.service / "src" / "app" / "services" / "entry.py"
        added = "            await uow.entries.add(entry)\n"
        code = service.read_text()
        assert code.count(added) == 1
        service.write_text(code.replace(added, added + ENQUEUE))

    async def _create_job_runs(self) -> None:
        async with Database(self.primary.url) as database, database.session() as session:
            await session.execute(text("CREATE TABLE job_runs (name text NOT NULL)"))
            await session.commit()

    def _start_servers(self) -> None:
        self.primary.create()
        self.standby.create()
        self.pooler.start()
        self.redis.start()

    def _environment(self) -> dict[str, str]:
        return {
            "ENVIRONMENT": "production",
            "SECRET_KEY": generate_secret(),
            "DATABASE_URL": self.pooler.url,
            "DATABASE_POOLER": "transaction",
            "DATABASE_DIRECT_URL": self.primary.url,
            "DATABASE_READ_URL": self.standby.url,
            "DATABASE_POOL_SIZE": "8",
            "REDIS_URL": self.redis.url,
            "TRUSTED_PROXIES": "127.0.0.1",
            "RATE_LIMIT": "1000000/minute",
            "RATE_LIMIT_SIGN_UP": f"{SIGN_UPS}/hour",
            "REFRESH_GRACE_SECONDS": "60",  # clients ask again for as long as an outage lasts
            "BCRYPT_ROUNDS": "4",
            "METRICS_OPEN": "true",
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": "1",
        }


async def _ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health/ready")).is_success
    except httpx.TransportError:
        return False
