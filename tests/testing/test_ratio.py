"""bedplate.testing.ratio"""

from collections.abc import Callable

import pytest

TESTS = """
import pytest

def test_works(): pass

@pytest.mark.unhappy
@pytest.mark.parametrize("n", range(5))
def test_breaks(n): pass
"""
ENOUGH = f"""{TESTS}
@pytest.mark.unhappy
def test_breaks_otherwise(): pass
"""


@pytest.fixture
def wanted(project: pytest.Pytester, configure: Callable[[str], None]) -> pytest.Pytester:
    configure('unhappy_ratio = "2"\n')
    return project


def test_a_suite_with_enough_unhappy_tests_passes(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_enough=ENOUGH)
    result = wanted.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*too few*")


def test_a_project_that_asks_for_no_ratio_passes(project: pytest.Pytester) -> None:
    project.makepyfile(test_few=TESTS)
    assert project.runpytest_inprocess().ret == pytest.ExitCode.OK


@pytest.mark.unhappy
def test_a_module_with_too_few_fails_the_run_and_is_named(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_enough=ENOUGH, test_few=TESTS)
    result = wanted.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["test_few.py: 1 happy, 1 unhappy"])
    result.stdout.no_fnmatch_line("test_enough.py*unhappy")


@pytest.mark.unhappy
def test_many_unhappy_tests_elsewhere_do_not_help_a_module(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_few="def test_works(): pass", test_more=ENOUGH + ENOUGH * 3)
    assert wanted.runpytest_inprocess().ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.unhappy
def test_a_function_with_a_happy_case_is_happy(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_mixed="""
        import pytest

        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.unhappy)])
        def test_both(n): pass
        """)
    result = wanted.runpytest_inprocess()
    result.stdout.fnmatch_lines(["test_mixed.py: 1 happy, 0 unhappy"])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "narrowing", [["-k", "works"], ["-m", "not unhappy"], ["test_few.py"], ["--deselect", "x"]]
)
def test_a_narrowed_run_is_not_judged(wanted: pytest.Pytester, narrowing: list[str]) -> None:
    wanted.makepyfile(test_few=TESTS)
    assert wanted.runpytest_inprocess(*narrowing).ret == pytest.ExitCode.OK


@pytest.mark.unhappy
@pytest.mark.parametrize("arguments", [[], ["tests"], ["tests/"], ["."]])
def test_naming_the_whole_suite_does_not_narrow_it(
    wanted: pytest.Pytester, configure: Callable[[str], None], arguments: list[str]
) -> None:
    configure('testpaths = ["tests"]\n')
    wanted.mkdir("tests").joinpath("test_few.py").write_text(TESTS)
    assert wanted.runpytest_inprocess(*arguments).ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.unhappy
def test_workers_of_xdist_are_judged_once(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_few=TESTS)
    result = wanted.runpytest_subprocess("-n", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str().count("test_few.py: 1 happy") == 1


@pytest.mark.unhappy
def test_a_suite_that_cannot_be_collected_is_told_that_alone(wanted: pytest.Pytester) -> None:
    wanted.makepyfile(test_few=TESTS, test_broken="import missing_module_of_this_test")
    result = wanted.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*too few*")
