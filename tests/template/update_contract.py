"""The contract of `copier update`, on the oldest supported and the newest Copier.

For every earlier release, or a made-up one while there is none: a service of it, worked on and committed, is updated. Nothing is
unmerged, the edits survive, the result is what a fresh copy with the same edits is, no migration is rewritten, and the
service's own suite passes on PostgreSQL. Then every option is switched on and off.

Run by the nox session `update`:  python tests/template/update_contract.py [arguments of the service's pytest]
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import copier
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template import updates
from tests.template.harness import ROOT, commit, snapshot
from tests.template.services import UV, build, install, run, say

OLDEST = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_min_copier_version"]
COPIERS = {
    version: (UV, "tool", "run", "--quiet", "--from", f"copier=={version}", "copier")
    for version in (f"{OLDEST}.0", copier.__version__)
}


def main(arguments: list[str]) -> None:
    os.environ |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        wheel = build(home / "dist")
        template = snapshot(home / "template")
        earlier: list[str | None] = [*updates.releases()] or [None]
        if earlier == [None]:
            say("there is no earlier release yet: one is made up")
        for number, release in enumerate(earlier):
            repository = updates.history(home / f"bedplate{number}", template, release)
            results = by_each_copier(
                partial(updated, repository, f"service{number}", release or updates.OLDER, wheel),
                home,
            )
            if differing := differences(*map(besides_migrations, results)):
                sys.exit(f"the two versions of Copier come to different results: {differing}")
            passes_its_suite(results[-1], arguments)
        for number, (before, after) in enumerate(updates.ANSWERS):
            by_each_copier(partial(switched, repository, f"answers{number}", before, after), home)
    say(f"{len(earlier) + len(COPIERS) * len(updates.ANSWERS)} passed, 0 failed")


def by_each_copier[T](act: Callable[[Path, str], T], home: Path) -> list[T]:
    """Do something in a folder by each version of Copier, side by side, and give what came of it."""
    with ThreadPoolExecutor(len(COPIERS)) as pool:
        return list(pool.map(act, [home / version for version in COPIERS], COPIERS))


def updated(
    repository: Path, name: str, release: str, wheel: Path, home: Path, version: str
) -> Path:
    """Update a service of a release that somebody has worked on, and hold it to the contract."""
    folder = home / name
    say(f"a service of {release}, updated by Copier {version}")
    answers = {"bedplate_source": str(wheel)}
    live_in(repository, folder, release, answers, version, resource=True)
    kept = migrations(folder)
    updates.update(folder, {}, COPIERS[version])
    holds(repository, folder)
    if migrations(folder) != kept:
        sys.exit("the update has touched the migrations")
    return folder


def switched(
    repository: Path,
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
    home: Path,
    version: str,
) -> None:
    """Give a service other answers by an update."""
    folder = home / name
    say(f"{before} becomes {after} by Copier {version}")
    answers = {"bedplate_source": "", **before}
    # the routes of a resource are of the framework that it was added for
    resource = "framework" not in after
    live_in(repository, folder, updates.NEWEST, answers, version, resource=resource)
    updates.update(folder, after, COPIERS[version])
    holds(repository, folder)


def live_in(
    repository: Path,
    folder: Path,
    release: str,
    answers: dict[str, Any],
    version: str,
    *,
    resource: bool,
) -> None:
    updates.copy(repository, folder, release, answers, COPIERS[version])
    commit(folder)
    if resource:
        updates.add_resource(folder)
    updates.edit(folder)
    commit(folder)


def holds(repository: Path, folder: Path) -> None:
    """Compare a service after its update with a fresh copy that has the same edits."""
    if faults := updates.faults(folder):
        sys.exit("\n".join(["the update left something unmerged", *faults]))
    fresh = folder.with_name(f"{folder.name}-fresh")
    expected = updates.fresh_with_edits(repository, fresh, updates.answers_of(folder), folder)
    found = updates.owned(folder)
    if differing := differences(expected, found):
        sys.exit(f"these are not what a fresh copy with the same edits has: {differing}")


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Give the names of files that are not the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def migrations(folder: Path) -> dict[str, str]:
    found = updates.owned(folder).items()
    return {name: text for name, text in found if name.startswith(updates.VERSIONS)}


def besides_migrations(folder: Path) -> dict[str, str]:
    """Give all other files: that of the added resource has a revision drawn at random."""
    found = updates.owned(folder).items()
    return {name: text for name, text in found if not name.startswith(updates.VERSIONS)}


def passes_its_suite(folder: Path, arguments: list[str]) -> None:
    """Do what the documentation says to do after an update, then run the service's own suite."""
    install(folder)
    models = (folder / "src/app/models/__init__.py").read_text(encoding="utf-8")
    if updates.BROUGHT in models:
        say("the newer template has a table more: it becomes a migration of the service")
        run(folder, UV, "run", "bedplate", "db", "upgrade")
        run(folder, UV, "run", "bedplate", "db", "revision", "-m", "what the template brought")
        made = [name for name in migrations(folder) if "what_the_template_brought" in name]
        if len(made) != 1 or not re.search(
            r"create_table\(\s*\"trusted_devices", migrations(folder)[made[0]]
        ):
            sys.exit(f"it did not: {made}")
    for check in ("ruff check .", "black --check --quiet .", "mypy src/"):
        run(folder, UV, "run", *check.split())
    run(folder, UV, "run", "pytest", *arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
