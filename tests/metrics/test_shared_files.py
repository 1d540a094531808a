"""bedplate.metrics.shared_files: what workers that have ended leave behind."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.metrics.conftest import Scrape

from bedplate.metrics.instruments import Description
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.metrics.shared_files import SharedFiles

WORKER = """
import sys
from pathlib import Path
from bedplate.metrics.instruments import Description
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.metrics.shared_files import SharedFiles
backend = PrometheusBackend(files=SharedFiles(Path(sys.argv[1])))
backend.counter(Description(name="a.count", text="How often.", labels=("of",))).count(("x",))
backend.histogram(Description(name="a.time", text="How long.", unit="s"), (1.0, 2.0)).record(1.5, ())
backend.gauge(Description(name="a.level", text="How many.")).add(1, ())
"""


@pytest.fixture
def work(tmp_path: Path) -> Callable[[int], None]:
    """Let workers count once each, and end."""

    def work(number: int) -> None:
        for _ in range(number):
            subprocess.run([sys.executable, "-c", WORKER, str(tmp_path)], check=True)

    return work


def count_of(folder: Path) -> float:
    return Scrape(SharedFiles(folder).collect()).value("a_count_total", of="x")


def names(folder: Path) -> list[str]:
    return sorted(path.name.partition("_")[0] for path in folder.glob("*.db"))


def test_what_workers_counted_stays_when_they_have_ended(
    tmp_path: Path, work: Callable[[int], None]
) -> None:
    work(2)
    assert count_of(tmp_path) == 2
    work(1)
    found = Scrape(SharedFiles(tmp_path).collect())
    assert found.value("a_count_total", of="x") == 3
    assert found.value("a_time_seconds_count") == 3
    assert found.value("a_time_seconds_sum") == 4.5
    assert found.value("a_time_seconds_bucket", le="1.0") == 0


@pytest.mark.unhappy
def test_workers_that_come_and_go_leave_one_file_of_each_kind(
    tmp_path: Path, work: Callable[[int], None]
) -> None:
    for _ in range(2):
        work(2)
        assert count_of(tmp_path)
        assert names(tmp_path) == ["counter", "histogram"]
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.unhappy
def test_the_file_of_who_lives_is_left_alone(tmp_path: Path, work: Callable[[int], None]) -> None:
    work(2)
    alive = PrometheusBackend(files=SharedFiles(tmp_path))
    counter = alive.counter(Description(name="a.count", text="How often.", labels=("of",)))
    counter.count(("x",))
    assert count_of(tmp_path) == 3
    counter.count(("x",))
    assert count_of(tmp_path) == 4
    assert names(tmp_path) == ["counter", "counter", "histogram"]
    alive.start_anew()  # closes its file


@pytest.mark.unhappy
@pytest.mark.parametrize("at", ["rename", "unlink"])
def test_a_merge_that_is_cut_off_loses_and_doubles_nothing(
    tmp_path: Path, work: Callable[[int], None], mocker: Any, at: str
) -> None:
    work(3)
    original = getattr(Path, at)

    def cut_off(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name.startswith("counter"):
            raise KeyboardInterrupt
        return original(path, *arguments, **more)

    patched = mocker.patch.object(Path, at, autospec=True, side_effect=cut_off)
    with pytest.raises(KeyboardInterrupt):
        count_of(tmp_path)
    mocker.stop(patched)
    assert [count_of(tmp_path) for _ in range(2)] == [3, 3]
    assert names(tmp_path) == ["counter", "histogram"]
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.unhappy
def test_many_that_look_at_once_see_the_same(tmp_path: Path, work: Callable[[int], None]) -> None:
    work(4)
    looking = (
        "import sys; from pathlib import Path; from bedplate.metrics.shared_files import SharedFiles;"
        "print([s.value for m in SharedFiles(Path(sys.argv[1])).collect() for s in m.samples"
        " if s.name == 'a_count_total'])"
    )
    command = [sys.executable, "-c", looking, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate()[0] for process in started} == {"[4.0]\n"}
