"""A service from `copier copy` to a green test run, and what the isolation of its tests costs: in seconds.

Packages are in uv's cache already (a first service is installed unmeasured). Of each step stand wall-clock time and the
processors' time, its PostgreSQL aside; of the isolation, what a test with a database of its own costs more than one without.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from _machine import facts

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.template.services import ENVIRONMENT, UV  # noqa: E402

GOALS = {"from copy to green": 60.0, "suite": 15.0, "isolation of a test": 0.010}
STEPS = {"copy": (), "install": (UV, "sync", "--quiet"), "suite": (UV, "run", "pytest", "--quiet")}
COSTLESS = "import pytest\n\n@pytest.mark.parametrize('number', range({tests}))\nasync def test_it({fixture}number: int) -> None:\n    assert number >= 0\n"


def timed(folder: Path, *command: str) -> tuple[float, float, str]:
    """Run a command that must succeed; give seconds by the clock and of processors, and its output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, done.stdout


def copy(framework: str, folder: Path) -> tuple[float, float, str]:
    answers = ("--data", f"framework={framework}", "--data", f"bedplate_source={ROOT}")
    command = (sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref=HEAD")
    return timed(ROOT, *command, *answers, str(ROOT), str(folder))


def isolation(folder: Path, tests: int) -> float:
    """Give the seconds that a database of its own costs a test: the mean of all but the slowest quarter."""
    seconds: dict[str, float] = {}
    for name, fixture in (("without", ""), ("with", "database: object, ")):
        room = folder / "tests" / name
        room.mkdir()
        text = COSTLESS.format(tests=tests, fixture=fixture)
        (room / "test_costless.py").write_text(text, encoding="utf-8")
        report = folder / f"{name}.xml"
        command = ("pytest", "--quiet", "--no-cov", f"--junitxml={report}", str(room))
        timed(folder, UV, "run", *command)
        took = re.findall(r'<testcase [^>]*time="([\d.]+)"', report.read_text(encoding="utf-8"))
        seconds[name] = statistics.mean(sorted(map(float, took))[: -len(took) // 4])
    return seconds["with"] - seconds["without"]


def measure(framework: str, home: Path, tests: int) -> dict[str, tuple[float, float]]:
    """Give wall-clock and processors' seconds by step."""
    folder = home / f"my-{framework}"
    taken = {"copy": copy(framework, folder)[:2]}
    for step, command in list(STEPS.items())[1:]:
        taken[step] = timed(folder, *command)[:2]
    walls, used = zip(*taken.values(), strict=True)
    taken["from copy to green"] = (sum(walls), sum(used))
    cost = isolation(folder, tests)
    taken["isolation of a test"] = (cost, cost)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", nargs="*", default=["fastapi", "litestar", "starlette"])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="one framework, as in CI")
    options = parser.parse_args()
    frameworks, tests = (["fastapi"], 50) if options.short else (options.framework, 200)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name)
        copy(frameworks[0], home / "warm-up")
        timed(home / "warm-up", UV, "sync", "--quiet")
        for framework in frameworks:
            figures[framework] = measure(framework, home, tests)
    for fact, value in facts("copier", "pytest").items():
        print(f"{fact}: {value}")
    print(f"\n{'':<32}{'clock':>10}{'processors':>12}{'goal':>10}")
    for framework, taken in figures.items():
        for step, (wall, used) in taken.items():
            goal = f"{GOALS[step]:.2f} s" if step in GOALS else ""
            print(f"{framework:<12}{step:<20}{wall:>8.3f} s{used:>10.3f} s{goal:>10}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if any(taken[step][1] > goal * 2 for taken in figures.values() for step, goal in GOALS.items()):
        sys.exit(1)  # far beyond noise, whoever else uses the machine


if __name__ == "__main__":
    main()
