"""Wants, for each test of what should work, tests of what happens when something is wrong."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from bedplate.testing.run import is_whole

_SENT = "bedplate_ratio"


@dataclass(slots=True)
class Count:
    """How many test functions of each kind there are."""

    happy: int = 0
    unhappy: int = 0

    def misses(self, ratio: float) -> bool:
        """Tell whether there are too few unhappy ones."""
        return self.unhappy < ratio * self.happy


class RatioGate:
    """Fails a run of the whole suite in which a module has too few unhappy tests.

    Args:
        ratio: how many unhappy test functions are wanted for each happy one.
    """

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.misses: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Count, before anything is deselected."""
        if not is_whole(config) or config.getoption("collectonly") or session.testsfailed:
            return
        self.misses = describe_misses(count_by_module(items), self.ratio)
        if hasattr(config, "workeroutput"):
            config.workeroutput[_SENT] = self.misses

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - of an optional package
        """Take over what a worker of pytest-xdist found; all of them collect the same."""
        self.misses = getattr(node, "workeroutput", {}).get(_SENT) or self.misses

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if self.misses and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why."""
        if self.misses:
            terminalreporter.section("too few unhappy tests", red=True)
            terminalreporter.line(
                f"Wanted are {self.ratio:g} tests marked `unhappy` for each one that is not."
            )
            for line in self.misses:
                terminalreporter.line(line, red=True)


def count_by_module(items: Iterable[pytest.Item]) -> dict[str, Count]:
    """Count test functions, each once however many cases it has.

    A function is unhappy when all its cases are.
    """
    unhappy: dict[tuple[str, str], bool] = {}
    for item in items:
        if isinstance(item, pytest.Function):
            module, _, name = item.nodeid.partition("::")
            key = (module, name.partition("[")[0])
            marked = item.get_closest_marker("unhappy") is not None
            unhappy[key] = unhappy.get(key, True) and marked
    counts: dict[str, Count] = defaultdict(Count)
    for (module, _), is_unhappy in unhappy.items():
        if is_unhappy:
            counts[module].unhappy += 1
        else:
            counts[module].happy += 1
    return counts


def describe_misses(counts: dict[str, Count], ratio: float) -> list[str]:
    """Name the modules, and the whole, that have too few unhappy tests."""
    whole = Count(
        sum(count.happy for count in counts.values()),
        sum(count.unhappy for count in counts.values()),
    )
    return [
        f"{name}: {count.happy} happy, {count.unhappy} unhappy"
        for name, count in [*sorted(counts.items()), ("all together", whole)]
        if count.misses(ratio)
    ]
