"""One cluster: making, starting and stopping it; whoever calls holds its start lock."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bedplate.database.embedded.account import Account
from bedplate.database.embedded.errors import EmbeddedPostgresError
from bedplate.database.embedded.layout import PORT, Layout
from bedplate.database.embedded.locks import open_lock, try_lock
from bedplate.database.embedded.programs import MAJOR

SUPERUSER = "postgres"

_TIMEOUT = 60.0
_PAUSE = 0.01
_STATUS_LINE = 7  # of postmaster.pid, counted from 0
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder and the server on it."""

    layout: Layout
    account: Account
    programs: Path
    durable: bool

    def ensure_running(self) -> None:
        """Make the cluster if it is missing and start the server unless it runs.

        Raises:
            EmbeddedPostgresError: that failed; the message tells the reason and the log's place.
        """
        server_lock = open_lock(self.layout.lock("server"))
        try:
            deadline = time.monotonic() + _TIMEOUT
            # The server and all its children inherit this lock: unlike a process id in a file it
            # cannot be stale, and it outlives a killed postmaster as long as the orphans do.
            while not try_lock(server_lock):
                if self._is_ready():
                    return
                self._wait_until(deadline)
            with _new_log(self.layout.log) as log:
                self._make(log, server_lock)
                self._start(log, server_lock)
        finally:
            os.close(server_lock)
        self._wait_for_start()

    def stop(self) -> None:
        """Stop the server, ending all connections, and wait for its end.

        Raises:
            EmbeddedPostgresError: it still runs after a minute.
        """
        for mode in ("fast", "immediate"):
            self._run("pg_ctl", "stop", "-D", self.layout.data, "-m", mode, "-w", "-t", "60")
            if not self._server_lives():
                break
        deadline = time.monotonic() + _TIMEOUT
        while self._server_lives():
            self._wait_until(deadline)
        with contextlib.suppress(OSError):
            self.layout.sockets.rmdir()

    def process_id(self) -> int | None:
        """Give the postmaster's process id, if there is one."""
        lines = self._pid_file()
        return int(lines[0]) if lines else None

    def _make(self, log: BinaryIO, server_lock: int) -> None:
        """Run initdb in a folder that gets its name only when done: a killed one leaves no half."""
        data = self.layout.data
        if data.exists():
            self._check_version()
            return
        unfinished = data.with_name("data.new")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(0o700)
        os.chown(unfinished, self.account.uid, self.account.gid)
        arguments = [
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            # The same sorting and letter case on every machine, whatever its locales are.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth-local=peer",
            "--auth-host=reject",
            "--no-instructions",
        ]
        if not self.durable:
            arguments.append("--no-sync")
        made = self._run("initdb", *arguments, log=log, keep=server_lock)
        if made.returncode != 0:
            raise self._failure("could not be made")
        unfinished.rename(data)

    def _check_version(self) -> None:
        found = self._read(self.layout.data / "PG_VERSION").strip()
        if found != str(MAJOR):
            raise EmbeddedPostgresError(
                f"{self.layout.data} was made by PostgreSQL {found or 'of an unknown version'}, and"
                f" the embedded one is {MAJOR}; move that folder away to start with an empty one."
            )

    def _start(self, log: BinaryIO, server_lock: int) -> None:
        layout = self.layout
        layout.make_socket_folder(self.account)
        # No server lives, so what these say is stale; PostgreSQL would believe a reused process id.
        for stale in (
            layout.data / "postmaster.pid",
            layout.sockets / f".s.PGSQL.{PORT}.lock",
            layout.sockets / f".s.PGSQL.{PORT}",
        ):
            stale.unlink(missing_ok=True)
        access = layout.folder / "pg_hba.conf"
        _write(access, "local all all peer map=caller\n")
        identities = layout.folder / "pg_ident.conf"
        _write(identities, f"caller {_quoted(self.account.caller)} {SUPERUSER}\n")
        settings = _SETTINGS | ({} if self.durable else _NOT_DURABLE)
        settings["unix_socket_directories"] = _quoted(str(layout.sockets))
        settings["hba_file"] = str(access)
        settings["ident_file"] = str(identities)
        command: list[str | Path] = [self.programs / "postgres", "-D", layout.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # A shell in between ends at once, so that the server is init's child and nobody's zombie;
        # a session of its own, so that Ctrl-C in the terminal does not reach it.
        shell: list[str | Path] = ["/bin/sh", "-c", '"$@" &', "sh"]
        self._call([*shell, *command], log=log, keep=server_lock)

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not self._is_ready():
            if not self._server_lives():
                raise self._failure("did not start")
            self._wait_until(deadline)

    def _is_ready(self) -> bool:
        lines = self._pid_file()
        if len(lines) <= _STATUS_LINE or lines[_STATUS_LINE].strip() != "ready":
            return False
        with socket.socket(socket.AF_UNIX) as client:  # the file outlives a killed server
            return client.connect_ex(str(self.layout.sockets / f".s.PGSQL.{PORT}")) == 0

    def _server_lives(self) -> bool:
        server_lock = open_lock(self.layout.lock("server"))
        try:
            return not try_lock(server_lock)
        finally:
            os.close(server_lock)

    def _wait_until(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise self._failure(f"did not become ready or end within {_TIMEOUT:.0f} s")
        time.sleep(_PAUSE)

    def _pid_file(self) -> list[str]:
        return self._read(self.layout.data / "postmaster.pid").splitlines()

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _failure(self, what: str) -> EmbeddedPostgresError:
        lines = [line.strip() for line in self._read(self.layout.log).splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line for word in _TELLING)]
        reason = (telling or lines or ["its log is empty"])[-1]
        return EmbeddedPostgresError(
            f"The embedded PostgreSQL {what}: {reason} (log: {self.layout.log})"
        )

    def _run(
        self,
        program: str,
        *arguments: str | Path,
        log: BinaryIO | None = None,
        keep: int | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return self._call([self.programs / program, *arguments], log=log, keep=keep)

    def _call(
        self, command: list[str | Path], *, log: BinaryIO | None, keep: int | None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},  # nothing like PGDATA or PGPORT
            pass_fds=() if keep is None else (keep,),
            start_new_session=True,
            check=False,
            **self.account.process_options,
        )


_TELLING = ("FATAL:", "PANIC:", "error:", "ERROR:")


def _new_log(path: Path) -> BinaryIO:
    if path.exists():
        path.replace(path.with_name(f"{path.name}.old"))
    return path.open("wb")


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
