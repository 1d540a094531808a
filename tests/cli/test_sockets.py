import errno
import socket

import pytest

from bedplate.cli.errors import CommandError
from bedplate.cli.sockets import address_of, bind, refused


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("localhost", "http://"),
    ],
)
def test_a_free_port_is_bound_and_its_address_can_be_opened(host: str, address: str) -> None:
    with bind(host, 0) as listener:
        assert address_of(listener).startswith(address)
        assert not address_of(listener).endswith(":0")


def test_an_ipv6_address_is_written_with_brackets() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:  # a machine without IPv6: bind says so in a sentence
            with pytest.raises(CommandError):
                bind("::1", 0)
        else:
            assert address_of(listener).startswith("http://[::1]:")


@pytest.mark.unhappy
def test_nobody_can_connect_before_the_server_listens() -> None:
    with bind("127.0.0.1", 0) as listener, socket.socket() as client:
        assert client.connect_ex(listener.getsockname()) == errno.ECONNREFUSED


@pytest.mark.unhappy
def test_a_port_of_all_networks_is_in_use_for_one_of_them() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} of 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EADDRINUSE, "in use"),
        (errno.EACCES, "from 1024 up"),
        (errno.EADDRNOTAVAIL, "not an address of this machine"),
        (errno.ENOBUFS, "cannot be used"),
    ],
)
def test_each_refusal_says_what_to_do(number: int, told: str) -> None:
    assert told in refused(OSError(number, "words"), "127.0.0.1", 80).message


@pytest.mark.unhappy
@pytest.mark.parametrize("host", ["no.such.invalid", "999.1.1.1", "", "a" * 300])
def test_a_host_that_does_not_exist_is_one_sentence(host: str) -> None:
    with pytest.raises(CommandError, match="There is no host"):
        bind(host, 0)
