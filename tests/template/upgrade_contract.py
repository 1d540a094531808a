"""The contract of `uv sync -P bedplate`: services of earlier releases, unchanged, on the library of this checkout.

Their own suites pass, and all they may say is that something is deprecated. While there is no earlier release the machinery itself is
held to three made-up libraries: one that deprecates, which it must pass, one that warns of something else and one that lacks
what services import, both of which it must refuse.

Run by the nox session `upgrade`:  python tests/template/upgrade_contract.py
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template import updates
from tests.template.harness import ROOT, snapshot
from tests.template.services import ENVIRONMENT, UV, build, generate, run, say

ONLY_DEPRECATIONS = (
    "-Werror",
    "-Wdefault::DeprecationWarning",
    "-Wdefault::PendingDeprecationWarning",
)
USED = "src/bedplate/pagination.py"
WARN = "import warnings\nwarnings.warn('made up', {category}, stacklevel=2)\n"
MADE_UP = {
    "deprecates something": (WARN.format(category="DeprecationWarning"), True),
    "warns of something else": (WARN.format(category="UserWarning"), False),
    "lacks what services import": ("del CursorCodec\n", False),
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        earlier = updates.releases()
        if not earlier:
            say("there is no earlier release yet: the machinery is tried with libraries made up")
            tries_itself(home)
        new = build(home / "new") if earlier else None
        for release in earlier:
            old = home / release
            old.mkdir()
            archive = subprocess.run(
                ["git", "archive", release], cwd=ROOT, check=True, capture_output=True
            )
            subprocess.run(["tar", "-x"], cwd=old, input=archive.stdout, check=True)
            service = home / f"service-{release}"
            generate(old, service, wheel_of(old), "project_name=Shop")
            assert new is not None
            if not upgrades(service, new):
                sys.exit(f"a service of {release} does not pass on this library")
        say(f"{len(earlier) or len(MADE_UP)} passed, 0 failed")


def tries_itself(home: Path) -> None:
    """Upgrade a service to libraries that were changed on purpose."""
    service = home / "service"
    generate(snapshot(home / "template"), service, build(home / "old"), "project_name=Shop")
    for number, (what, (appended, passing)) in enumerate(MADE_UP.items(), 1):
        say(f"a library that {what}")
        source = home / f"library{number}"
        source.mkdir()
        for part in ("src", "pyproject.toml", "README.md", "LICENSE"):
            path = ROOT / part
            copied = shutil.copytree if path.is_dir() else shutil.copy2
            copied(path, source / part)
        version = source / "src/bedplate/__init__.py"
        newer = re.sub(r'"(\d+\.\d+)\.\d+"', rf'"\1.{90 + number}"', version.read_text("utf-8"))
        version.write_text(newer, encoding="utf-8")
        used = source / USED
        used.write_text(used.read_text(encoding="utf-8") + appended, encoding="utf-8")
        if upgrades(service, wheel_of(source), "tests/unit", "--no-cov") is not passing:
            sys.exit(f"a library that {what} was {'refused' if passing else 'taken'}")


def wheel_of(source: Path) -> Path:
    """Build the wheel of a checkout."""
    run(source, UV, "build", "--quiet", "--wheel", "--out-dir", str(source / "dist"))
    return next((source / "dist").glob("*.whl"))


def upgrades(service: Path, wheel: Path, *rooms: str) -> bool:
    """Give a service, otherwise unchanged, a library, and tell whether its suite holds the contract."""
    project = service / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    source = re.sub(r'path = "[^"]*\.whl"', f'path = "{wheel}"', text)
    project.write_text(source, encoding="utf-8")
    run(service, UV, "sync", "--quiet", "-P", "bedplate")
    command = [UV, "run", "pytest", "--quiet", *ONLY_DEPRECATIONS, *rooms]
    done = subprocess.run(
        command, cwd=service, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    deprecated = set(re.findall(r"\w*DeprecationWarning: .*", done.stdout))
    say("\n    ".join(["its suite says:", *done.stdout.splitlines()[-3:], *sorted(deprecated)]))
    return done.returncode == 0


if __name__ == "__main__":
    main()
