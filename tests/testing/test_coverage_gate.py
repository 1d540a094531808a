"""bedplate.testing.coverage_gate, with a stand-in for pytest-cov; generated services run the real one."""

from collections.abc import Callable

import pytest

STAND_IN = """
import types

def pytest_addoption(parser):
    parser.addoption("--cov-fail-under", type=float, default=None)

class Measuring:
    options = types.SimpleNamespace(cov_fail_under=90)

    def pytest_sessionfinish(self, session):
        print(f"minimum {self.options.cov_fail_under}")
"""
PLUGIN = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    from standin import Measuring
    config.pluginmanager.register(Measuring(), "_cov")

from standin import pytest_addoption
"""


@pytest.fixture
def measured(project: pytest.Pytester, configure: Callable[[str], None]) -> pytest.Pytester:
    project.makepyfile(standin=STAND_IN, early=PLUGIN)
    tests = project.mkdir("tests")
    tests.joinpath("test_one.py").write_text("def test_a(): pass\n\ndef test_b(): pass\n")
    configure('testpaths = ["tests"]\n')
    project.syspathinsert()
    return project


def test_a_whole_run_is_held_to_the_minimum(measured: pytest.Pytester) -> None:
    result = measured.runpytest_inprocess("-p", "early", "-s")
    result.stdout.fnmatch_lines(["*minimum 90*"])


@pytest.mark.unhappy
@pytest.mark.parametrize("narrowed", [["tests/test_one.py"], ["-k", "test_a"]])
def test_a_narrowed_run_is_not(measured: pytest.Pytester, narrowed: list[str]) -> None:
    result = measured.runpytest_inprocess("-p", "early", "-s", *narrowed)
    result.stdout.fnmatch_lines(["*minimum 0*"])


@pytest.mark.unhappy
def test_a_narrowed_run_is_held_to_a_minimum_of_its_own(measured: pytest.Pytester) -> None:
    result = measured.runpytest_inprocess(
        "-p", "early", "-s", "-k", "test_a", "--cov-fail-under=50"
    )
    result.stdout.fnmatch_lines(["*minimum 90*"])
