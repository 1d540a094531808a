"""bedplate.database.embedded.account"""

import os
import pwd
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bedplate.database.embedded import EmbeddedPostgresError
from bedplate.database.embedded.account import server_account


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Who this system knows, by name; the caller's own number is looked up among them."""
    users = {"root": 0}

    def entry(name: str, uid: int) -> SimpleNamespace:
        return SimpleNamespace(pw_name=name, pw_uid=uid, pw_gid=uid + 1000)

    def names() -> dict[int, str]:
        return {uid: name for name, uid in users.items()}

    monkeypatch.setattr(pwd, "getpwnam", lambda name: entry(name, users[name]))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: entry(names()[uid], uid))
    return users


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda uid: monkeypatch.setattr(os, "geteuid", lambda: uid)


def test_an_ordinary_user_runs_the_server_itself(
    known: dict[str, int], as_user: Callable[[int], None]
) -> None:
    known["ada"] = 1001
    as_user(1001)
    account = server_account()
    assert (account.caller, account.dropped, account.process_options) == ("ada", False, {})


@pytest.mark.unhappy
def test_root_drops_to_the_user_postgres(
    known: dict[str, int], as_user: Callable[[int], None]
) -> None:
    known.update(postgres=101, nobody=65534)
    as_user(0)
    account = server_account()
    assert account.caller == "root"
    assert account.process_options == {"user": 101, "group": 1101, "extra_groups": []}


@pytest.mark.unhappy
def test_root_drops_to_nobody_without_a_user_postgres(
    known: dict[str, int], as_user: Callable[[int], None]
) -> None:
    known["nobody"] = 65534
    as_user(0)
    assert server_account().uid == 65534


@pytest.mark.unhappy
def test_root_without_any_unprivileged_user_is_told_so(
    known: dict[str, int], as_user: Callable[[int], None]
) -> None:
    as_user(0)
    with pytest.raises(EmbeddedPostgresError, match="refuses to run as root"):
        server_account()


@pytest.mark.unhappy
def test_a_user_without_a_name_is_told_so(
    known: dict[str, int], as_user: Callable[[int], None]
) -> None:
    as_user(4242)
    with pytest.raises(EmbeddedPostgresError, match="user id 4242 has none"):
        server_account()


@pytest.mark.unhappy
def test_windows_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(EmbeddedPostgresError, match="set DATABASE_URL"):
        server_account()
