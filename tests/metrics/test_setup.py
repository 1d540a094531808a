"""The metrics that settings ask for."""

import sys
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeterProvider

from bedplate._extras import MissingExtraError
from bedplate.errors import ConfigurationError
from bedplate.metrics.opentelemetry import OpenTelemetryBackend
from bedplate.metrics.opentelemetry_sdk import Sdk
from bedplate.metrics.port import MetricsPort
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.metrics.setup import metrics_of
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings


def settings(**options: Any) -> ServiceSettings:
    given = {"environment": "development", "secret_key": generate_secret(), **options}
    return load_settings(ServiceSettings, _env_file=None, **given)


@pytest.fixture
def without_prometheus(mocker: Any) -> None:
    mocker.patch("bedplate.metrics.setup.find_spec", return_value=None)


def test_prometheus_is_what_one_gets_without_asking() -> None:
    exposed = metrics_of(settings())
    assert isinstance(exposed.metrics.backend, PrometheusBackend)
    assert exposed.endpoint is not None
    assert exposed.companions == ()


def test_opentelemetry_has_no_endpoint_of_ours(mocker: Any) -> None:
    mocker.patch("opentelemetry.metrics._internal._METER_PROVIDER", NoOpMeterProvider())
    exposed = metrics_of(settings(metrics_backend="OpenTelemetry "))
    assert isinstance(exposed.metrics.backend, OpenTelemetryBackend)
    assert exposed.endpoint is None
    assert [type(companion) for companion in exposed.companions] == [Sdk]


@pytest.mark.unhappy
def test_a_port_takes_the_place_of_the_endpoint() -> None:
    exposed = metrics_of(settings(metrics_port=9464))
    assert exposed.endpoint is None
    assert [type(companion) for companion in exposed.companions] == [MetricsPort]


@pytest.mark.unhappy
@pytest.mark.usefixtures("without_prometheus")
def test_without_the_extra_nothing_is_measured_unless_it_is_asked_for() -> None:
    assert not metrics_of(settings()).metrics.enabled
    with pytest.raises(MissingExtraError, match=r"bedplate\[prometheus\]"):
        metrics_of(settings(metrics_backend="prometheus"))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("package", "module", "extra"),
    [
        ("prometheus_client.core", "bedplate.metrics.prometheus", "prometheus"),
        ("opentelemetry", "bedplate.metrics.opentelemetry", "opentelemetry"),
        ("opentelemetry", "bedplate.metrics.traces", "opentelemetry"),
        ("opentelemetry.sdk.trace", "bedplate.metrics.opentelemetry_sdk", "opentelemetry"),
    ],
)
def test_a_backend_without_its_package_names_the_extra(
    package: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(MissingExtraError, match=rf"bedplate\[{extra}\]"):
        importlib.import_module(module)


@pytest.mark.unhappy
def test_what_is_off_measures_nothing() -> None:
    exposed = metrics_of(settings(metrics_backend="off", metrics_port=9464))
    assert not exposed.metrics.enabled
    assert exposed.endpoint is None
    assert exposed.companions == ()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metrics_backend", "statsd"),
        ("metrics_port", 0),
        ("metrics_port", 65536),
        ("traces_backend", "x"),
    ],
)
def test_a_setting_that_means_nothing_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name.upper()):
        settings(**{name: value})
