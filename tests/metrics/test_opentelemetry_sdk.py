"""A service without any code for it sends metrics and spans to a collector by OTLP."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from tests.ports import free_port

from bedplate.metrics.opentelemetry_sdk import Sdk

HERE = Path(__file__).parent


class Collector(ThreadingHTTPServer):
    """Takes what exporters send."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), Handler)
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.services: set[str] = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
                self._name(of_service.resource)
                for scope in of_service.scope_spans:
                    self.spans += scope.spans
        elif path == "/v1/metrics":
            for of_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self._name(of_metrics.resource)
                for of_scope in of_metrics.scope_metrics:
                    self.metrics |= {metric.name: metric for metric in of_scope.metrics}

    def _name(self, resource: Any) -> None:
        self.services |= {
            each.value.string_value for each in resource.attributes if each.key == "service.name"
        }


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers.get("content-encoding") is None
        self.server.take(self.path, body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.shutdown()
    collector.server_close()


def serve(endpoint: str, port: int, *options: str) -> subprocess.Popen[bytes]:
    own = {
        "METRICS_BACKEND": "opentelemetry",
        "TRACES_BACKEND": "opentelemetry",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_SERVICE_NAME": "orders",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "served:create_app", "--port", str(port),
         "--app-dir", str(HERE), *options],
        env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def ask(port: int, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/process", timeout=60)
        except httpx.TransportError:
            assert server.poll() is None
        else:
            return


def test_what_a_worker_process_measured_is_sent_before_it_ends(collector: Collector) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    server = serve(endpoint, port, "--workers", "2")
    try:
        ask(port, server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    (span,) = [span for span in collector.spans if span.name == "GET /process"]
    assert span.kind == span.SPAN_KIND_SERVER
    assert collector.services == {"orders"}
    points = collector.metrics["http.server.request.duration"].histogram.data_points
    assert sum(point.count for point in points) == 1


@pytest.mark.unhappy
def test_without_a_collector_the_service_serves_and_ends() -> None:
    port = free_port()
    server = serve(f"http://127.0.0.1:{free_port()}", port)
    try:
        ask(port, server)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) in {0, -signal.SIGTERM}


@pytest.mark.unhappy
def test_providers_that_are_set_already_stay(mocker: Any) -> None:
    meters = MeterProvider(shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    mocker.patch("opentelemetry.metrics._internal._METER_PROVIDER", meters)
    mocker.patch("opentelemetry.trace._TRACER_PROVIDER", tracers)
    replaced = mocker.patch("opentelemetry.trace.set_tracer_provider")
    sdk = Sdk(meters=True, tracers=True)
    sdk.open()
    sdk.close()
    assert not replaced.called
    meters.shutdown()
    tracers.shutdown()
