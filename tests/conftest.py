"""What the tests of all rooms share."""

from collections.abc import Generator, Iterator

import hypothesis
import pytest
from tests.redis_server import Redis, running_redis

# a machine that is busy with other tests draws slowly
hypothesis.settings.register_profile(
    "bedplate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("bedplate")

pytest_plugins = ["pytester"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test printed transportable: pytest-xdist sends reports as UTF-8."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture
def redis() -> Iterator[Redis]:
    """Give a Redis of the test's own, which it may kill."""
    with running_redis() as server:
        yield server
