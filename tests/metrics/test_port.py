"""Metrics on a port of their own."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.integrations.conftest import Service
from tests.integrations.frameworks import FRAMEWORKS, Framework
from tests.metrics.conftest import Scrape
from tests.ports import free_port

from bedplate.cli.application import WatchedApp
from bedplate.errors import ConfigurationError
from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.instruments import Description
from bedplate.metrics.port import MetricsPort
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.testing.lifespan import running


@pytest.fixture
def registry() -> CollectorRegistry:
    backend = PrometheusBackend()
    backend.counter(Description(name="a.count", text="How often.")).count(())
    return exposed_registry(backend)


@pytest.fixture
def port(registry: CollectorRegistry) -> Iterator[MetricsPort]:
    port = MetricsPort(registry, "127.0.0.1", free_port())
    port.open()
    yield port
    port.close()


def read(port: int, host: str = "127.0.0.1") -> Scrape:
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=30) as answer:
        return Scrape.of(answer.read().decode())


def refuses(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_it_shows_the_metrics(port: MetricsPort) -> None:
    assert read(port.port).value("a_count_total") == 1


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
async def test_it_is_open_while_the_application_runs(framework: Framework) -> None:
    number = free_port()
    app = Service().install(framework.make(), install=framework.install, metrics_port=number)
    assert refuses(number)
    async with running(app):
        found = await asyncio.to_thread(read, number)
        assert found.families
    assert refuses(number)


@pytest.mark.unhappy
@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
async def test_a_port_that_is_taken_is_named_when_the_application_starts(
    framework: Framework,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        app = Service().install(framework.make(), install=framework.install, metrics_port=number)
        watched = WatchedApp(app)  # as `bedplate serve` does, which tells it in a line
        with pytest.raises(RuntimeError, match="startup failed"):
            async with running(watched):
                raise AssertionError
    assert isinstance(watched.failure, ConfigurationError)
    assert watched.failure.message.startswith(f"METRICS_PORT {number}")


@pytest.mark.unhappy
def test_a_host_that_is_not_of_this_machine_is_told(registry: CollectorRegistry) -> None:
    for host in ("203.0.113.7", "no.such.host.invalid"):
        with pytest.raises(ConfigurationError, match="METRICS_PORT"):
            MetricsPort(registry, host, free_port()).open()


@pytest.mark.unhappy
def test_workers_share_one_port_and_others_do_not(registry: CollectorRegistry) -> None:
    number = free_port()
    first, second, stranger = (
        MetricsPort(registry, "127.0.0.1", number, shared=shared) for shared in (True, True, False)
    )
    first.open()
    second.open()
    with pytest.raises(ConfigurationError):
        stranger.open()
    first.close()
    assert read(number).value("a_count_total") == 1
    second.close()
    assert refuses(number)


@pytest.mark.unhappy
def test_what_is_no_scrape_is_survived(port: MetricsPort) -> None:
    for nonsense in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", port.port)) as client:
            client.sendall(nonsense)
            client.shutdown(socket.SHUT_WR)
            while client.recv(1000):
                pass
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port.port}/", method="DELETE"), timeout=30
        )
    assert read(port.port).value("a_count_total") == 1


@pytest.mark.unhappy
def test_a_port_that_is_not_open_has_no_number(registry: CollectorRegistry) -> None:
    port: Any = MetricsPort(registry, "127.0.0.1", 0)
    with pytest.raises(RuntimeError):
        port.port  # noqa: B018
    port.close()
