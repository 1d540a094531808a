"""bedplate.asgi.forwarded: the client's address is told by proxies that are trusted, by nobody else."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedplate.asgi.forwarded import TrustedProxies
from bedplate.asgi.types import Scope
from bedplate.errors import ConfigurationError

PROXY = "10.0.0.7"


def applied(
    *forwarded: str, peer: str | None = PROXY, proxies: Any = ("10.0.0.0/8",), **more: Any
) -> Scope:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    headers += [(b"x-forwarded-proto", more.pop("proto"))] if "proto" in more else []
    scope: Scope = {
        "type": "http", "scheme": "http", "headers": headers, "client": None if peer is None else (peer, 4711),
        **more,
    }  # fmt: skip
    TrustedProxies(proxies).apply(scope)
    return scope


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.8"], "203.0.113.9"),
        (["203.0.113.9", "10.0.0.8"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
    ],
)
def test_a_trusted_proxy_tells_the_client(forwarded: list[str], client: str) -> None:
    assert applied(*forwarded)["client"] == (client, 0)


def test_the_scheme_is_told_too() -> None:
    assert applied(proto=b"https")["scheme"] == "https"
    assert applied(proto=b"http, HTTPS ")["scheme"] == "https"
    assert applied(proto=b"https", type="websocket", scheme="ws")["scheme"] == "wss"


def test_private_stands_for_what_the_internet_does_not_reach() -> None:
    for peer in ("127.0.0.1", "192.168.1.1", "172.20.0.1", "::1", "fd00::1", "::ffff:10.1.2.3"):
        scope = applied("203.0.113.9", peer=peer, proxies=("private",))
        assert scope["client"] == ("203.0.113.9", 0), peer


def test_a_socket_in_the_file_system_is_a_proxy_of_this_machine() -> None:
    assert applied("203.0.113.9", peer=None)["client"] == ("203.0.113.9", 0)


@pytest.mark.unhappy
@pytest.mark.parametrize("peer", ["203.0.113.7", "11.0.0.1", "2001:db8::1", "testclient", ""])
def test_who_is_not_trusted_is_not_believed(peer: str) -> None:
    scope = applied("198.51.100.1", peer=peer, proto=b"https")
    assert scope["client"] == (peer, 4711)
    assert scope["scheme"] == "http"


@pytest.mark.unhappy
@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=40), max_size=4))
@example(["10.0.0.1"])
@example(["10.0.0.1, 192.0.2.1, garbage"])
def test_whatever_a_client_writes_itself_changes_nothing(made_up: list[str]) -> None:
    scope = applied(*made_up, "203.0.113.9")
    assert scope["client"] == ("203.0.113.9", 0)


@pytest.mark.unhappy
@pytest.mark.parametrize("forwarded", ["unknown", "", "_hidden", "203.0.113.9, x", "1.2.3.4.5"])
def test_where_a_proxy_tells_no_address_its_own_stays(forwarded: str) -> None:
    assert applied(forwarded)["client"] == (PROXY, 4711)


@pytest.mark.unhappy
def test_what_is_before_something_unreadable_was_told_by_nobody_known() -> None:
    assert applied("203.0.113.9, unknown, 10.0.0.8")["client"] == ("10.0.0.8", 0)


@pytest.mark.unhappy
@pytest.mark.parametrize("hop", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_nobody_behind_a_proxy_seems_to_be_on_this_machine(hop: str) -> None:
    assert applied(f"{hop}, 10.0.0.9", proxies=("private",))["client"] == (PROXY, 4711)


@pytest.mark.unhappy
@pytest.mark.parametrize("proto", [b"", b"ftp", b"javascript", b"\xff"])
def test_another_scheme_is_not_taken(proto: bytes) -> None:
    assert applied(proto=proto)["scheme"] == "http"


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["", "*", "localhost", "10.0.0.0/33", "Private"])
def test_what_is_no_network_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrustedProxies(["10.0.0.0/8", name])
    assert len(name) < 3 or f"{name}" not in str(caught.value).replace("private", "")


@pytest.mark.unhappy
def test_a_very_long_header_is_read_from_its_end_only() -> None:
    scope = applied(", ".join(["10.0.0.9"] * 50_000 + ["203.0.113.9"]))
    assert scope["client"] == ("203.0.113.9", 0)
    scope = applied(", ".join(["203.0.113.9"] + ["10.0.0.9"] * 50_000))
    assert scope["client"] == ("10.0.0.9", 0)
