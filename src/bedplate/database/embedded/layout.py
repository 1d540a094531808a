"""Where a cluster lives: names and paths, short enough for sockets, and safe folders."""

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from bedplate.database.embedded.account import Account
from bedplate.database.embedded.errors import EmbeddedPostgresError

PORT = 5432
"""Only part of the socket's file name: nothing listens on the network."""

_LONGEST_SOCKET_PATH = 103  # macOS; Linux allows 107
_PLAIN_PATH = re.compile(r"/[\w./-]+", re.ASCII)  # what no URL and no list of hosts has to quote
_ROOT_STATE = Path("/var/lib/bedplate")


def cluster_name(project_dir: Path) -> str:
    """Give the cluster's name of a project: readable, short, and distinct for each folder.

    Args:
        project_dir: the project's folder; links are resolved.
    """
    resolved = project_dir.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", resolved.name.lower()).strip("-")[:24].rstrip("-")
    return f"{slug or 'project'}-{_digest(str(resolved))}"


def default_state_dir(account: Account) -> Path:
    """Give the folder for clusters: below the home folder, or one open to the server's account.

    Raises:
        EmbeddedPostgresError: there is no home folder.
    """
    if account.dropped:
        return _ROOT_STATE
    configured = Path(os.environ.get("XDG_STATE_HOME", ""))
    if configured.is_absolute():  # the XDG base directory specification ignores relative paths
        return configured / "bedplate"
    try:
        return Path.home() / ".local" / "state" / "bedplate"
    except RuntimeError:
        raise EmbeddedPostgresError(
            "There is no home folder for the embedded PostgreSQL; set XDG_STATE_HOME."
        ) from None


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one cluster."""

    state: Path
    name: str

    @property
    def folder(self) -> Path:
        """Give the cluster's own folder."""
        return self.state / "clusters" / self.name

    @property
    def data(self) -> Path:
        """Give PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Give the log of the server's present or last run."""
        return self.folder / "server.log"

    def lock(self, kind: str) -> Path:
        """Give a lock file: `start`, `users` or `server`."""
        return self.folder / f"{kind}.lock"

    @property
    def sockets(self) -> Path:
        """Give the socket's folder, never derived from a project's path, since that may be long."""
        digest = _digest(str(self.folder))
        beside = self.state / "run" / digest
        longest = len(os.fsencode(beside)) + len(f"/.s.PGSQL.{PORT}.lock")
        if longest <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(beside)):
            return beside
        # Not TMPDIR: processes that share the cluster may differ in it.
        return Path("/tmp", f"bedplate-{os.geteuid()}-{digest}")  # noqa: S108  (checked when made)

    def make_folders(self, account: Account) -> None:
        """Make the cluster's folder and those above it, with the narrowest modes that work.

        Raises:
            EmbeddedPostgresError: a folder cannot be made, or somebody else could change it.
        """
        for folder in (self.state, self.state / "clusters", self.state / "run", self.folder):
            _make_folder(folder, account.folder_mode)
            _refuse_foreign(folder, os.geteuid(), 0o022)

    def make_socket_folder(self, account: Account) -> None:
        """Make the folder that only the server's account (and root) may enter.

        Raises:
            EmbeddedPostgresError: it cannot be made, or is not ours: a link, or open to others.
        """
        folder = self.sockets
        if _make_folder(folder, 0o700) and account.dropped:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        _refuse_foreign(folder, account.uid, 0o077)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:10]


def _make_folder(folder: Path, mode: int) -> bool:
    """Make a folder with exactly this mode, and tell whether it was missing."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode)
            folder.chmod(mode)  # the umask may have taken more away
            return True
    except OSError as error:
        hint = "" if os.geteuid() == 0 else "; set XDG_STATE_HOME to a folder you can write to"
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL needs the folder {folder}: {error.strerror}{hint}."
        ) from error
    return False


def _refuse_foreign(folder: Path, owner: int, forbidden: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & forbidden:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL does not trust {folder}: it must be a folder of user id"
            f" {owner} that others cannot {'enter' if forbidden & 0o055 else 'change'}."
        )
