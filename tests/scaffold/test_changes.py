"""Changes of files: all or none, and never over what somebody else has written."""

import os
from pathlib import Path

import pytest

from bedplate.scaffold import changes
from bedplate.scaffold.changes import Change, apply, staging
from bedplate.scaffold.errors import ScaffoldError

NEW, OLD, GONE = Path("src/deep/new.py"), Path("old.py"), Path("gone.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / OLD).write_bytes(b"one\r\ntwo\r\n")
    (tmp_path / OLD).chmod(0o640)
    (tmp_path / GONE).write_text("x", encoding="utf-8")
    return tmp_path


PLAN = [
    Change(NEW, None, "new\n"),
    Change(OLD, "one\r\ntwo\r\n", "one\r\n2\r\n"),
    Change(GONE, "x", None),
]


def state(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_files_are_made_changed_and_removed(root: Path) -> None:
    with staging(root) as folder:
        apply(root, folder, PLAN)
    assert state(root) == {"src/deep/new.py": b"new\n", "old.py": b"one\r\n2\r\n"}
    assert (root / OLD).stat().st_mode & 0o777 == 0o640
    assert not (root / ".bedplate").exists()


def test_a_link_stays_one(root: Path) -> None:
    (root / "link.py").symlink_to(root / GONE)
    with staging(root) as folder:
        apply(root, folder, [Change(Path("link.py"), "x", "y")])
    assert (root / "link.py").is_symlink()
    assert (root / GONE).read_text(encoding="utf-8") == "y"


@pytest.mark.unhappy
@pytest.mark.parametrize("fails_at", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_interrupts_leaves_all_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, error: BaseException
) -> None:
    before, moved, move = state(root), [], changes._move

    def failing(path: Path, source: Path | None) -> None:
        moved.append(path)
        if len(moved) == fails_at + 1:
            raise error
        move(path, source)

    monkeypatch.setattr(changes, "_move", failing)
    expected = ScaffoldError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected), staging(root) as folder:
        apply(root, folder, PLAN)
    assert state(root) == before


@pytest.mark.unhappy
@pytest.mark.parametrize("path", [NEW, OLD, GONE])
def test_what_somebody_wrote_meanwhile_is_not_overwritten(root: Path, path: Path) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("mine", encoding="utf-8")
    before = state(root)
    with pytest.raises(ScaffoldError, match="became another meanwhile"), staging(root) as folder:
        apply(root, folder, PLAN)
    assert state(root) == before


@pytest.mark.unhappy
def test_what_a_killed_run_left_is_cleared_and_nothing_else(root: Path) -> None:
    kept = root / ".bedplate" / "secret_key"
    left = root / ".bedplate" / "scaffold-abc" / "x.py"
    left.parent.mkdir(parents=True)
    for path in (kept, left):
        path.write_text("x", encoding="utf-8")
    with staging(root) as folder:
        assert folder.is_dir()
        assert not left.exists()
    assert [path.name for path in (root / ".bedplate").iterdir()] == ["secret_key"]


@pytest.mark.unhappy
def test_a_folder_that_cannot_be_written_to_is_one_sentence(root: Path) -> None:
    (root / ".bedplate").write_text("a file", encoding="utf-8")
    with pytest.raises(ScaffoldError, match="cannot be written to"), staging(root):
        pass


@pytest.mark.unhappy
def test_what_is_no_text_is_refused(root: Path) -> None:
    (root / OLD).write_bytes(b"\xff")
    with pytest.raises(ScaffoldError, match="cannot be read"), staging(root) as folder:
        apply(root, folder, PLAN)
    assert (root / OLD).read_bytes() == b"\xff"
    assert not os.path.lexists(root / NEW)
