"""The pytest plugin, loaded by entry point; it imports nothing but pytest."""

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the plugin's options."""
    parser.getgroup("bedplate").addoption(
        "--postgres-driver",
        choices=("asyncpg", "psycopg"),
        default=None,
        help="the driver for the test database (default: asyncpg if installed, else psycopg)",
    )
    parser.addini("unhappy_ratio", "unhappy tests wanted for each happy one", default="0")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, load the fixtures, and shut the development database out."""
    config.addinivalue_line("markers", "unhappy: shows what happens when something is wrong")
    if ratio := float(config.getini("unhappy_ratio")):
        from bedplate.testing.ratio import RatioGate

        config.pluginmanager.register(RatioGate(ratio), "bedplate-ratio")
    if config.pluginmanager.hasplugin("_cov"):
        from bedplate.testing.coverage_gate import spare_narrowed_runs

        spare_narrowed_runs(config)
    # Whoever installs bedplate gets this plugin, also without the extra for tests.
    if config.pluginmanager.hasplugin("asyncio"):
        config.pluginmanager.import_plugin("bedplate.testing.fixtures")
        _shut_out_development(config)


def _shut_out_development(config: pytest.Config) -> None:
    from bedplate.testing.run import project_of

    if not project_of(config).is_service:
        return
    import os

    if (kept := os.environ.pop("DATABASE_URL", None)) is not None:
        config.add_cleanup(lambda: os.environ.__setitem__("DATABASE_URL", kept))
    try:
        from bedplate.testing.guard import guard_engines, unguard_engines
    except ImportError:  # no SQLAlchemy: nothing to guard
        return
    guard_engines()
    config.add_cleanup(unguard_engines)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - of an optional package
    """Tell a worker of pytest-xdist the name of the run."""
    from bedplate.testing.run import run_name

    node.workerinput["bedplate_run"] = run_name(node.config)
