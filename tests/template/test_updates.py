"""`copier update`: from an older version, with other answers, and interrupted."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.template import updates
from tests.template.harness import commit, git
from tests.template.updates import (
    BROUGHT,
    GONE,
    MADE,
    NEWEST,
    OLDER,
    REMOVED,
    VERSIONS,
    add_resource,
    answers_of,
    edit,
    faults,
    fresh_with_edits,
    owned,
    update,
)

BEDPLATE = {"bedplate_source": ""}


@pytest.fixture(scope="module")
def repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with an older version before the newest."""
    return updates.history(tmp_path_factory.mktemp("history") / "bedplate", template)


@pytest.fixture(scope="module")
def _older(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived_in(repository, tmp_path_factory.mktemp("older") / "service", OLDER)


@pytest.fixture
def older(_older: Path, tmp_path: Path) -> Path:
    """A service of the older version that somebody has worked on."""
    return shutil.copytree(_older, tmp_path / "service")


def lived_in(repository: Path, folder: Path, ref: str = NEWEST, **answers: Any) -> Path:
    """Make a service of a version, with what a user does to it, committed."""
    updates.copy(repository, folder, ref, BEDPLATE | answers)
    commit(folder)
    add_resource(folder)
    edit(folder)
    commit(folder)
    return folder


def expected(repository: Path, folder: Path, tmp_path: Path) -> dict[str, str]:
    return fresh_with_edits(repository, tmp_path / "fresh", answers_of(folder), folder)


def test_an_older_service_becomes_the_newest_with_its_edits(
    repository: Path, older: Path, tmp_path: Path
) -> None:
    migrations = {name: text for name, text in owned(older).items() if VERSIONS in name}
    assert (older / GONE).exists()
    assert "redis" not in answers_of(older)
    update(older, {})
    assert faults(older) == []
    assert owned(older) == expected(repository, older, tmp_path)
    assert BROUGHT in (older / "src/app/models/__init__.py").read_text(encoding="utf-8")
    assert (older / MADE).exists()
    assert not (older / GONE).exists()
    assert not (older / REMOVED).exists()
    assert answers_of(older)["redis"] is False
    # no migration is rewritten, and none comes in beside the service's own
    assert {name: text for name, text in owned(older).items() if VERSIONS in name} == migrations


@pytest.mark.unhappy
def test_no_answer_is_for_ever(repository: Path, tmp_path: Path) -> None:
    before, after = updates.ANSWERS[0]  # the nox session `update` tries the others too
    folder = lived_in(repository, tmp_path / "service", **before)
    migrations = {name: text for name, text in owned(folder).items() if VERSIONS in name}
    assert [name for name in migrations if "create_jobs" in name]
    update(folder, after)
    assert {name: text for name, text in owned(folder).items() if VERSIONS in name} == migrations
    assert faults(folder) == []
    assert answers_of(folder).items() >= (before | after).items()
    assert owned(folder) == expected(repository, folder, tmp_path)


@pytest.mark.unhappy
def test_what_cannot_be_merged_is_found(older: Path) -> None:
    main = older / "src/app/main.py"
    first, newline, rest = main.read_text(encoding="utf-8").partition("\n")
    assert first.startswith('"""Of old')
    main.write_text(f'"""Ours."""{newline}{rest}', encoding="utf-8")
    commit(older)
    update(older, {})  # and Copier is content
    assert any("src/app/main.py" in fault for fault in faults(older))
    assert {fault.split(":")[0].split("\t")[-1] for fault in faults(older)} == {"src/app/main.py"}


@pytest.mark.unhappy
def test_an_update_is_refused_before_anything_if_something_is_not_committed(older: Path) -> None:
    (older / "README.md").write_text("not committed", encoding="utf-8")
    before = owned(older)
    with pytest.raises(subprocess.CalledProcessError):
        update(older, {})
    assert owned(older) == before


INTERRUPTED = """
import os, signal, sys
from copier import _main
act, name = getattr(_main.Worker, sys.argv[1]), sys.argv[1]
calls = 0
def killed(self, *arguments, **named):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return act(self, *arguments, **named)
setattr(_main.Worker, name, killed)
from copier._cli import CopierApp
CopierApp.run(["copier", "update", "--defaults", "--quiet", "--skip-answered"])
"""


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("where", "call"), [("_render_file", 60), ("_render_template", 3), ("_git_commit", 1)]
)
def test_an_interrupted_update_leaves_nothing_that_git_does_not_show(
    older: Path, where: str, call: int
) -> None:
    (older / ".env").write_text("SECRET_KEY=x", encoding="utf-8")
    (older / ".bedplate").mkdir()
    (older / ".bedplate/secret_key").write_text("x", encoding="utf-8")
    refs, before = git(older, "for-each-ref"), owned(older)
    ignored = git(older, "status", "--porcelain", "--ignored")
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, where, str(call)], cwd=older, check=False
    )
    assert done.returncode == -signal.SIGKILL
    # what is half done is in the work tree, where git shows it and takes it back
    assert git(older, "for-each-ref") == refs
    git(older, "reset", "--quiet", "--hard")
    git(older, "clean", "--quiet", "-d", "--force")
    assert owned(older) == before
    assert git(older, "status", "--porcelain", "--ignored") == ignored
    assert git(older, "worktree", "list").count("\n") == 1
    update(older, {})
    assert faults(older) == []
