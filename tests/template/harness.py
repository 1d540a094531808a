"""Services generated from this checkout, as users generate them."""

import shutil
import subprocess
from pathlib import Path
from threading import Lock

import copier

ROOT = Path(__file__).parents[2]
_COPYING = Lock()  # it changes the process's folder meanwhile


def snapshot(folder: Path) -> Path:
    """Copy what the template consists of, committed or not, to a folder that is no git repository."""
    listed = git(
        ROOT, "ls-files", "-z", "-co", "--exclude-standard", "--", "copier.yml", "template"
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def generate(template: Path | str, folder: Path, **answers: object) -> Path:
    """Copy a template with its defaults and the given answers.

    Args:
        template: a folder or a Git URL.
        folder: what to make.
        answers: by question.

    Raises:
        ValueError: an answer is refused.
    """
    with _COPYING:
        copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and give what it prints."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", *identity, "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    """Make a folder a git repository, if it is none, and commit all of it."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=test")


def texts(folder: Path) -> dict[str, str]:
    """Give the text of every file of a service, by its path."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
