"""The embedded server as its users see it: entered, shared between processes, left."""

import os
import re
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from bedplate.database.embedded.account import server_account
from bedplate.database.embedded.cluster import SUPERUSER, Cluster
from bedplate.database.embedded.errors import EmbeddedPostgresError
from bedplate.database.embedded.layout import PORT, Layout, default_state_dir
from bedplate.database.embedded.locks import locked, open_lock, try_lock
from bedplate.database.embedded.programs import find_programs

_CLUSTER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LOCK_TIMEOUT = 120.0
# What SQLAlchemy's URLs carry unquoted; PostgreSQL cuts longer names off.
_DATABASE_NAME = re.compile(r"[\w-]{1,63}", re.ASCII)
_CREATE_DATABASE = """\
SELECT format('CREATE DATABASE %I', :'name')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = :'name') \\gexec
"""
_MADE_MEANWHILE = ("42P04", "23505")  # duplicate_database, unique_violation


class EmbeddedPostgres:
    """A PostgreSQL server that runs while somebody uses it; the last one leaving stops it.

    Synchronous: asynchronous callers enter and leave it in a thread. A user killed without leaving
    leaves the server running, and the next one takes it over.
    """

    def __init__(self, name: str, *, state_dir: Path | None = None, durable: bool = True) -> None:
        """Name the cluster.

        Args:
            name: which cluster; small letters, digits, dots, dashes; see `cluster_name`.
            state_dir: where clusters are kept; by default below the home folder, for root below
                ``/var/lib/bedplate``.
            durable: whether committed work survives a power cut; turn it off for tests only. The
                process that starts the server decides.

        Raises:
            ValueError: the name is not usable as a folder's name.
        """
        if not _CLUSTER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name for a cluster")
        self.name = name
        self._state_dir = state_dir
        self._durable = durable
        self._cluster: Cluster | None = None
        self._users_lock = -1

    def __enter__(self) -> Self:
        """Join the running server, or make and start it.

        Raises:
            EmbeddedPostgresError: it cannot be had; the message is one sentence with the reason.
            MissingExtraError: the wheel with PostgreSQL is not installed.
        """
        if self._cluster is not None:
            raise RuntimeError("this EmbeddedPostgres is in use already")
        cluster = self._prepare()
        with locked(cluster.layout.lock("start"), timeout=_LOCK_TIMEOUT):
            cluster.ensure_running()
            self._users_lock = open_lock(cluster.layout.lock("users"))
            try_lock(self._users_lock, shared=True)
        self._cluster = cluster
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        cluster = self._entered()
        with locked(cluster.layout.lock("start"), timeout=_LOCK_TIMEOUT):
            self._cluster = None
            os.close(self._users_lock)
            last = open_lock(cluster.layout.lock("users"))
            try:
                if try_lock(last):
                    cluster.stop()
            finally:
                os.close(last)

    @property
    def data_dir(self) -> Path:
        """Give the folder that holds the data."""
        return self._entered().layout.data

    @property
    def log_file(self) -> Path:
        """Give the file that the server writes its log to."""
        return self._entered().layout.log

    @property
    def pid(self) -> int:
        """Give the process id of the server.

        Raises:
            EmbeddedPostgresError: the server has died.
        """
        found = self._entered().process_id()
        if found is None:
            raise EmbeddedPostgresError(f"The embedded PostgreSQL has ended; see {self.log_file}.")
        return found

    def url(self, database: str, driver: str = "asyncpg") -> str:
        """Give SQLAlchemy's URL of a database.

        Args:
            database: its name.
            driver: `asyncpg` or `psycopg`.
        """
        sockets = self._entered().layout.sockets
        # The port is named, lest a PGPORT in the environment changes the socket's name.
        return f"postgresql+{driver}://{SUPERUSER}@/{database}?host={sockets}&port={PORT}"

    def create_database(self, name: str) -> None:
        """Create a database unless it exists.

        Args:
            name: its name: at most 63 letters, digits, underscores, dashes.

        Raises:
            ValueError: the name is not of that form.
            EmbeddedPostgresError: the server refused, or does not answer.
        """
        cluster = self._entered()
        if not _DATABASE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name for a database")
        arguments = {
            "--host": cluster.layout.sockets,
            "--port": PORT,
            "--username": SUPERUSER,
            "--dbname": "postgres",
            "--set": f"name={name}",
        }
        result = subprocess.run(  # noqa: S603
            [
                cluster.programs / "psql",
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
                "--set=VERBOSITY=sqlstate",
                *(f"{option}={value}" for option, value in arguments.items()),
            ],
            input=_CREATE_DATABASE,
            env={"PATH": os.defpath, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"},
            encoding="utf-8",
            capture_output=True,
            check=False,
        )
        if result.returncode != 0 and not any(code in result.stderr for code in _MADE_MEANWHILE):
            reason = (result.stderr.strip().splitlines() or ["psql failed"])[-1]
            raise EmbeddedPostgresError(f"The database {name} could not be created: {reason}")

    def _prepare(self) -> Cluster:
        account = server_account()
        layout = Layout(self._state_dir or default_state_dir(account), self.name)
        layout.make_folders(account)
        programs = find_programs(layout.state, account)
        return Cluster(layout, account, programs, self._durable)

    def _entered(self) -> Cluster:
        if self._cluster is None:
            raise RuntimeError("enter the EmbeddedPostgres first: with EmbeddedPostgres(...) as it")
        return self._cluster
