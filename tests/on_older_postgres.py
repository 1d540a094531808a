"""Runs tests on a PostgreSQL that is installed on this machine: `python tests/on_older_postgres.py 15 -- ARGUMENTS`.

Debian's package is enough: `apt-get install postgresql-15`. The server is made for this run in bedplate's
state folder, by the code that starts the embedded one, and removed afterwards.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bedplate.database.embedded import cluster
from bedplate.database.embedded.account import server_account
from bedplate.database.embedded.layout import PORT, Layout, default_state_dir


def main() -> int:
    major, arguments = sys.argv[1], sys.argv[3:]
    programs = Path(f"/usr/lib/postgresql/{major}/bin")
    if not (programs / "initdb").exists():
        sys.exit(f"PostgreSQL {major} is not here; get it with: apt-get install postgresql-{major}")
    account = server_account()
    layout = Layout(default_state_dir(account), f"older-{major}-{os.getpid()}")
    layout.make_folders(account)
    layout.data.mkdir(mode=0o700)
    os.chown(layout.data, account.uid, account.gid)
    subprocess.run(
        [programs / "initdb", "-D", layout.data, "-U", cluster.SUPERUSER, "-E", "UTF8", "-N",
         "--locale=C.UTF-8", "--auth=peer"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **account.process_options,
    )  # fmt: skip
    setattr(cluster, "MAJOR", int(major))  # noqa: B010 - the version that its data folder has
    server = cluster.Cluster(layout, account, programs, durable=False)
    try:
        server.ensure_running()
        url = f"postgresql://{cluster.SUPERUSER}@/postgres?host={layout.sockets}&port={PORT}"
        environment = {**os.environ, "TEST_DATABASE_URL": url}
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], env=environment, check=False
        ).returncode
    finally:
        server.stop()
        shutil.rmtree(layout.folder)


if __name__ == "__main__":
    sys.exit(main())
