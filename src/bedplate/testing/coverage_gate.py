"""The minimum of coverage that a project demands (pytest-cov), held against whole runs only."""

import pytest

from bedplate.testing.run import is_whole


def spare_narrowed_runs(config: pytest.Config) -> None:
    """Let a run of some tests pass with less coverage, unless its command line names a minimum."""
    plugin = config.pluginmanager.get_plugin("_cov")  # pytest-cov, if it measures
    if plugin is None or config.getoption("cov_fail_under", default=None) is not None:
        return
    if not is_whole(config):
        plugin.options.cov_fail_under = 0
