"""bedplate.database.embedded.programs"""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from bedplate._extras import MissingExtraError
from bedplate.database.embedded.account import Account
from bedplate.database.embedded.programs import find_programs

ORDINARY = Account(caller="ada", uid=1001, gid=1001, dropped=False)
ROOT = Account(caller="root", uid=65534, gid=65534, dropped=True)


def test_an_ordinary_user_runs_the_programs_of_the_wheel(tmp_path: Path) -> None:
    programs = find_programs(tmp_path, ORDINARY)
    assert "site-packages" in programs.parts
    assert not list(tmp_path.iterdir())


@pytest.mark.unhappy
def test_root_runs_a_copy_that_everybody_may_read_and_nobody_else_change(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        programs = find_programs(tmp_path, ROOT)
    finally:
        os.umask(before)
    assert tmp_path in programs.parents
    for path in (tmp_path / "programs").rglob("*"):
        assert path.stat().st_mode & 0o055 in ({0o055} if path.is_dir() else {0o055, 0o044})
        assert not path.stat().st_mode & 0o022
    for program in ("initdb", "pg_ctl", "postgres", "psql"):
        subprocess.run([programs / program, "--version"], check=True, capture_output=True, env={})


@pytest.mark.unhappy
def test_the_copy_is_made_once(tmp_path: Path) -> None:
    marked = find_programs(tmp_path, ROOT) / "marked"
    marked.touch()
    assert find_programs(tmp_path, ROOT) == marked.parent
    assert marked.exists()


@pytest.mark.unhappy
def test_a_copy_that_was_cut_off_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "programs" / ".copy-cut" / "made").mkdir(parents=True)
    assert (find_programs(tmp_path, ROOT) / "postgres").exists()


@pytest.mark.unhappy
def test_a_missing_wheel_is_one_sentence_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bedplate\[embedded\]'"):
        find_programs(tmp_path, ORDINARY)
