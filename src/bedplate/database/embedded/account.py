"""Which account of the operating system runs the server, since PostgreSQL refuses root."""

import os
from dataclasses import dataclass
from typing import TypedDict

from bedplate.database.embedded.errors import EmbeddedPostgresError

_UNPRIVILEGED = ("postgres", "nobody")


class ProcessOptions(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """Who calls, and who runs the server: the caller itself unless that is root."""

    caller: str
    uid: int
    gid: int
    dropped: bool

    @property
    def folder_mode(self) -> int:
        """Give the mode of our folders: as root the server's account must pass through them."""
        return 0o755 if self.dropped else 0o700

    @property
    def process_options(self) -> ProcessOptions:
        """Give the arguments for `subprocess.Popen` that drop root's privileges."""
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """Find out who calls and who is to run the server.

    Raises:
        EmbeddedPostgresError: the user database of the system lacks an entry that PostgreSQL needs.
    """
    if os.name != "posix":
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL needs Linux or macOS; set DATABASE_URL to a server, or use WSL."
        )
    import pwd  # not on Windows

    uid = os.geteuid()
    try:
        caller = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL needs a user name, and user id {uid} has none on this system."
        ) from None
    if uid != 0:
        return Account(caller=caller, uid=uid, gid=os.getegid(), dropped=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(caller=caller, uid=entry.pw_uid, gid=entry.pw_gid, dropped=True)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and this system has neither a user `postgres` nor"
        " `nobody` to run it as."
    )
