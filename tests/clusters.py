"""PostgreSQL and PgBouncer by TCP, as tests of several machines need them."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
from tests.ports import free_port

from bedplate.database.embedded.account import server_account
from bedplate.database.embedded.layout import default_state_dir
from bedplate.database.embedded.programs import find_programs


def ask(url: str, statement: str) -> Any:
    """Give the one value that a statement gives; None for one without rows."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


class Server:
    """A process of an account that is not root, which listens on a port of 127.0.0.1."""

    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path) -> None:
        self.account = server_account()
        self.folder = folder
        self.port = free_port()
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, self.account.uid, self.account.gid)

    def run(self, *command: str | Path) -> None:
        """Run a program to its end as the server's account."""
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, **self.account.process_options
        )

    def launch(self, *command: str | Path) -> None:
        """Start the server's own process."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, **self.account.process_options
            )

    def wait(self, url: str) -> None:
        """Wait until it answers."""
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(url, prepare_threshold=None).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Kill it, even if it is paused."""
        self.process.kill()
        self.process.wait()


class Cluster(Server):
    """A PostgreSQL that trusts whoever comes by TCP; durable, unlike those of other tests.

    Args:
        folder: of its own, where the account of root's server can go.
        settings: of postgresql.conf.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder)
        self.programs = find_programs(default_state_dir(self.account), self.account)
        self.settings = settings
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the cluster and start it."""
        self.run(
            self.programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust"
        )
        self.start()

    def start(self) -> None:
        """Start it."""
        given = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            **self.settings,
        }
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        self.launch(self.programs / "postgres", "-D", self.folder / "data", *options)
        self.wait(self.url)

    def freeze(self) -> None:
        """Stop all of its processes where they are: connections stay, and nothing answers."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def kill(self) -> None:
        """Kill all of its processes at once, as a machine that loses its power does."""
        for process in self._processes():
            os.kill(process, signal.SIGKILL)
        self.process.wait()

    def _processes(self) -> list[int]:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *map(int, children)]


class Standby(Cluster):
    """A streaming replica of a cluster.

    Args:
        folder: of its own, where the account of root's server can go.
        primary: what it follows; it runs.
    """

    def __init__(self, folder: Path, primary: Cluster) -> None:
        super().__init__(folder, **primary.settings)
        self.primary = primary

    def create(self) -> None:
        """Copy the primary, start and follow it."""
        source = ("--host=127.0.0.1", f"--port={self.primary.port}", "--username=postgres")
        self.run(
            *(self.programs / "pg_basebackup", "--pgdata", self.folder / "data", *source),
            *("--checkpoint=fast", "--write-recovery-conf"),
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until it has all that the primary has now."""
        super().start()
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until it has all that the primary has now."""
        position = ask(self.primary.url, "SELECT pg_current_wal_flush_lsn()")
        while not ask(self.url, f"SELECT pg_last_wal_replay_lsn() >= '{position}'"):
            time.sleep(0.02)

    def pause_replay(self) -> None:
        """Let it replay nothing more, and go on answering."""
        ask(self.url, "SELECT pg_wal_replay_pause()")
        while ask(self.url, "SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.01)

    def resume_replay(self) -> None:
        """Let it replay again."""
        ask(self.url, "SELECT pg_wal_replay_resume()")


class PgBouncer(Server):
    """Debian's PgBouncer in transaction mode, before a PostgreSQL.

    Args:
        folder: of its own, where the account of root's server can go.
        port: of the PostgreSQL.
        pool_size: how many connections to it.
    """

    def __init__(self, folder: Path, port: int, *, pool_size: int) -> None:
        super().__init__(folder)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.configuration = folder / "pgbouncer.ini"
        self.configuration.write_text(
            f"[databases]\n* = host=127.0.0.1 port={port} user=postgres\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {pool_size}\n"
            "max_client_conn = 1000\nserver_login_retry = 1\nignore_startup_parameters = extra_float_digits\n"
        )
        self.configuration.chmod(0o644)

    def start(self) -> None:
        """Start it."""
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "this test needs PgBouncer: apt-get install pgbouncer"
        self.launch(program, self.configuration)
        self.wait(self.url)
