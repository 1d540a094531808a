"""bedplate.database.embedded.server"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bedplate.database import Database
from bedplate.database.embedded import EmbeddedPostgres, EmbeddedPostgresError
from bedplate.database.embedded.account import server_account
from bedplate.database.embedded.locks import locked
from bedplate.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from tests.database.embedded.conftest import Cluster


@pytest.fixture(scope="module")
def server(state_dir: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres("shared", state_dir=state_dir, durable=False) as started:
        started.create_database("app")
        yield started


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_its_url_reaches_a_database_through_either_driver(
    server: EmbeddedPostgres, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    async with Database(server.url("app", driver)) as database:
        await database.ping()


def test_creating_a_database_twice_keeps_it(server: EmbeddedPostgres) -> None:
    server.create_database("twice")
    server.create_database("twice")


def test_it_joins_the_server_that_already_runs(server: EmbeddedPostgres, state_dir: Path) -> None:
    with EmbeddedPostgres("shared", state_dir=state_dir) as joined:
        assert joined.pid == server.pid
    assert server.pid


async def test_a_second_start_keeps_the_data(cluster: "Cluster") -> None:
    counts = []
    for _ in range(2):
        with cluster.open() as server:
            server.create_database("kept")
            async with Database(server.url("kept")) as database, database.engine.begin() as sql:
                await sql.exec_driver_sql("CREATE TABLE IF NOT EXISTS note (id int)")
                await sql.exec_driver_sql("INSERT INTO note VALUES (1)")
                counts.append(await sql.scalar(text("SELECT count(*) FROM note")))
        assert not cluster.runs()
    assert counts == [1, 2]


@pytest.mark.unhappy
def test_racing_starts_of_a_missing_cluster_share_one_server(missing_cluster: "Cluster") -> None:
    users = [missing_cluster.begin_use() for _ in range(4)]
    assert len({missing_cluster.pid_of(user) for user in users}) == 1
    for user in users:
        assert user.communicate(timeout=60)
        assert user.returncode == 0
    assert not missing_cluster.runs()


@pytest.mark.unhappy
def test_the_server_of_a_killed_user_is_taken_over_and_stopped(cluster: "Cluster") -> None:
    user = cluster.begin_use()
    pid = cluster.pid_of(user)
    user.kill()
    user.wait()
    assert cluster.runs()
    with cluster.open() as server:
        assert server.pid == pid
    assert not cluster.runs()


@pytest.mark.unhappy
async def test_a_killed_server_is_started_again_at_the_same_address(cluster: "Cluster") -> None:
    user = cluster.begin_use()
    cluster.kill_server(cluster.pid_of(user))
    with cluster.open() as server:
        async with Database(server.url("postgres")) as database:
            await database.ping()
        pid = server.pid
    assert cluster.runs(), "the first user still uses it"
    with cluster.open() as server:
        assert server.pid == pid


@pytest.fixture
def stranger() -> Iterator[str]:
    """A living process of the server's account, which is all that PostgreSQL would look at."""
    with subprocess.Popen(["sleep", "600"], **server_account().process_options) as process:
        yield str(process.pid)
        process.kill()


@pytest.mark.unhappy
def test_a_pid_file_that_names_a_living_stranger_is_not_believed(
    cluster: "Cluster", stranger: str
) -> None:
    pid_file = cluster.layout.data / "postmaster.pid"
    with cluster.open():
        kept = pid_file.read_text()
    pid_file.write_text(re.sub(r"^\d+", stranger, kept))
    with cluster.open() as server:
        assert str(server.pid) != stranger


@pytest.mark.unhappy
def test_joining_waits_for_whoever_starts_or_stops(
    cluster: "Cluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedplate.database.embedded.server._LOCK_TIMEOUT", 0)
    with (
        locked(cluster.layout.lock("start"), timeout=0),
        pytest.raises(EmbeddedPostgresError, match="starting or stopping"),
        cluster.open(),
    ):
        pass
    assert not cluster.runs()


@pytest.mark.unhappy
def test_leaving_waits_for_whoever_joins(
    cluster: "Cluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    server = cluster.open().__enter__()
    with locked(cluster.layout.lock("start"), timeout=0), monkeypatch.context() as impatient:
        impatient.setattr("bedplate.database.embedded.server._LOCK_TIMEOUT", 0)
        with pytest.raises(EmbeddedPostgresError, match="starting or stopping"):
            server.__exit__(None, None, None)
    assert cluster.runs()
    server.__exit__(None, None, None)
    assert not cluster.runs()


@pytest.mark.unhappy
def test_a_cluster_whose_making_was_killed_is_made_anew(missing_cluster: "Cluster") -> None:
    missing_cluster.layout.folder.mkdir(parents=True)
    half = missing_cluster.layout.folder / "data.new"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with missing_cluster.open() as server:
        assert (server.data_dir / "base").is_dir()
    assert not half.exists()


@pytest.mark.unhappy
def test_data_of_another_major_version_is_refused_in_one_sentence(
    missing_cluster: "Cluster",
) -> None:
    missing_cluster.layout.data.mkdir(parents=True)
    (missing_cluster.layout.data / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 16") as refused,
        missing_cluster.open(),
    ):
        pass
    assert "\n" not in str(refused.value)


@pytest.mark.unhappy
def test_a_server_that_cannot_start_tells_why_and_where_its_log_is(cluster: "Cluster") -> None:
    with cluster.open() as server:
        configuration = server.data_dir / "postgresql.conf"
        log = str(server.log_file)
    kept = configuration.read_text()
    configuration.write_text(kept + "\nno_such_setting = 1\n")
    try:
        with pytest.raises(EmbeddedPostgresError) as refused, cluster.open():
            pass
    finally:
        configuration.write_text(kept)
    assert "contains errors" in str(refused.value)
    assert log in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.unhappy
def test_a_failed_start_leaves_nothing_locked(missing_cluster: "Cluster") -> None:
    missing_cluster.layout.data.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(EmbeddedPostgresError), missing_cluster.open():
            pass


@pytest.mark.unhappy
def test_ctrl_c_in_the_terminal_reaches_its_user_and_not_the_server(cluster: "Cluster") -> None:
    user = cluster.begin_use()
    pid = cluster.pid_of(user)
    assert os.getsid(pid) != os.getsid(user.pid)
    assert os.getpgid(pid) != os.getpgid(user.pid)


@pytest.mark.unhappy
async def test_nothing_listens_on_the_network(server: EmbeddedPostgres) -> None:
    async with Database(server.url("app")) as database, database.engine.connect() as sql:
        assert (await sql.exec_driver_sql("SHOW listen_addresses")).scalar_one() == ""


@pytest.mark.unhappy
async def test_only_the_calling_account_of_this_machine_is_let_in(server: EmbeddedPostgres) -> None:
    async with Database(server.url("app")) as database, database.engine.connect() as sql:
        rules = await sql.exec_driver_sql(
            "SELECT type, auth_method, options FROM pg_hba_file_rules"
        )
        assert [tuple(rule) for rule in rules] == [("local", "peer", ["map=caller"])]
        names = await sql.exec_driver_sql("SELECT sys_name FROM pg_ident_file_mappings")
        assert list(names.scalars()) == [server_account().caller]


@pytest.mark.unhappy
def test_an_account_that_is_not_the_calling_one_cannot_connect(
    cluster: "Cluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else = replace(server_account(), caller="somebody-else")
    monkeypatch.setattr("bedplate.database.embedded.server.server_account", lambda: somebody_else)
    with (
        cluster.open() as server,
        pytest.raises(EmbeddedPostgresError, match="Peer authentication failed"),
    ):
        server.create_database("app")


@pytest.mark.unhappy
async def test_a_stopped_server_is_unavailable_to_its_url(cluster: "Cluster") -> None:
    with cluster.open() as server:
        url = server.url("postgres")
    async with Database(url) as database:
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["", "Upper", "../escape", "a/b", "a" * 64, "-dash"])
def test_names_that_are_no_folder_name_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name for a cluster"):
        EmbeddedPostgres(name)


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["", "a" * 64, 'a"; DROP DATABASE app --', "a b", "é"])
def test_names_that_are_no_database_name_are_refused(server: EmbeddedPostgres, name: str) -> None:
    with pytest.raises(ValueError, match="not a name for a database"):
        server.create_database(name)


@pytest.mark.unhappy
def test_it_is_used_only_inside_with(state_dir: Path) -> None:
    server = EmbeddedPostgres("unused", state_dir=state_dir)
    with pytest.raises(RuntimeError, match="enter"):
        server.url("app")


@pytest.mark.unhappy
def test_it_is_not_entered_twice(server: EmbeddedPostgres) -> None:
    with pytest.raises(RuntimeError, match="in use already"):
        server.__enter__()
