"""bedplate.database.embedded.layout"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedplate.database.embedded import EmbeddedPostgresError, cluster_name
from bedplate.database.embedded.account import Account, server_account
from bedplate.database.embedded.layout import PORT, Layout, default_state_dir

ORDINARY = Account(caller="ada", uid=os.geteuid(), gid=os.getegid(), dropped=False)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Layout]:
    """A socket folder of the fallback, and what it is for."""
    layout = Layout(tmp_path / ("long" * 30), "app")
    yield layout
    if layout.sockets.is_symlink():
        layout.sockets.unlink()
    elif layout.sockets.exists():
        layout.sockets.rmdir()


def test_a_cluster_is_named_after_its_project(tmp_path: Path) -> None:
    assert cluster_name(tmp_path / "My Shop").startswith("my-shop-")


def test_state_is_kept_where_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert default_state_dir(ORDINARY) == Path("/somewhere/bedplate")


@pytest.mark.unhappy
def test_projects_of_the_same_name_have_clusters_of_their_own(tmp_path: Path) -> None:
    assert cluster_name(tmp_path / "a" / "shop") != cluster_name(tmp_path / "b" / "shop")


@pytest.mark.unhappy
def test_a_link_to_a_project_means_the_same_cluster(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "link").symlink_to("shop")
    assert cluster_name(tmp_path / "link") == cluster_name(tmp_path / "shop")


@pytest.mark.unhappy
@pytest.mark.parametrize("folder", ["x" * 200, "日本語", "-", "..."])
def test_every_folder_gives_a_short_plain_name(folder: str, tmp_path: Path) -> None:
    name = cluster_name(tmp_path / folder)
    assert name.isascii()
    assert 10 < len(name) < 40
    assert name[0].isalnum()


@pytest.mark.unhappy
@pytest.mark.parametrize("folder", ["x" * 150, "a b", "a,b", "a?b&c%d", "ä"])
def test_a_socket_can_be_bound_wherever_the_state_is(folder: str) -> None:
    sockets = Layout(Path("/somewhere", folder), "app").sockets
    assert " " not in str(sockets)
    assert sockets.parent == Path("/tmp")
    assert len(os.fsencode(sockets / f".s.PGSQL.{PORT}.lock")) < 104


@pytest.mark.unhappy
def test_clusters_of_long_paths_do_not_share_their_sockets() -> None:
    long = Path("/somewhere", "x" * 150)
    assert len({Layout(state, name).sockets for state in (long, long / "y") for name in "ab"}) == 4


@pytest.mark.unhappy
def test_a_planted_link_is_not_used_for_sockets(outside: Layout, tmp_path: Path) -> None:
    outside.sockets.symlink_to(tmp_path)
    with pytest.raises(EmbeddedPostgresError, match="does not trust"):
        outside.make_socket_folder(server_account())


@pytest.mark.unhappy
def test_a_planted_folder_that_others_may_enter_is_not_used_for_sockets(outside: Layout) -> None:
    account = server_account()
    outside.sockets.mkdir()
    os.chown(outside.sockets, account.uid, account.gid)
    outside.sockets.chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match="others cannot enter"):
        outside.make_socket_folder(account)


@pytest.mark.unhappy
def test_a_folder_that_others_may_change_is_not_used_for_clusters(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="others cannot change"):
        Layout(tmp_path, "app").make_folders(server_account())


@pytest.mark.unhappy
def test_a_folder_that_cannot_be_made_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"needs the folder .*file/state: ") as refused:
        Layout(tmp_path / "file" / "state", "app").make_folders(server_account())
    assert "\n" not in str(refused.value)


@pytest.mark.unhappy
def test_a_wide_umask_does_not_open_the_folders(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        layout = Layout(tmp_path / "state", "app")
        layout.make_folders(ORDINARY)
        layout.make_socket_folder(ORDINARY)
    finally:
        os.umask(before)
    for folder in (layout.state, layout.folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert layout.sockets.stat().st_mode & 0o777 == 0o700


@pytest.mark.unhappy
def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_dir(ORDINARY) == tmp_path / ".local" / "state" / "bedplate"


@pytest.mark.unhappy
def test_root_does_not_keep_clusters_in_its_own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere/state")
    root = Account(caller="root", uid=65534, gid=65534, dropped=True)
    assert default_state_dir(root) == Path("/var/lib/bedplate")


@pytest.mark.unhappy
def test_the_fallback_really_takes_a_socket(outside: Layout) -> None:
    outside.make_socket_folder(ORDINARY)
    path = outside.sockets / f".s.PGSQL.{PORT}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    path.unlink()
