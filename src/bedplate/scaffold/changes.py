"""Changes of files that happen all or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bedplate.scaffold.errors import ScaffoldError

__all__ = ["Change", "apply", "content", "staging"]

_PREFIX = "scaffold-"


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file."""

    path: Path
    """Relative to the service."""
    before: str | None
    """What is in it; None for a file that is not there."""
    after: str | None
    """What will be in it; None for a file that goes."""


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Have an empty folder within a service, out of git's sight, and remove it again.

    Args:
        root: of the service.

    Raises:
        ScaffoldError: nothing can be written there.
    """
    home = root / ".bedplate"
    try:
        home.mkdir(exist_ok=True)
        for left_over in home.glob(f"{_PREFIX}*"):  # of a run that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    except OSError as error:
        raise ScaffoldError(f"{home} cannot be written to: {error.strerror}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.rmdir()  # unless something else is in it


def apply(root: Path, folder: Path, changes: Sequence[Change]) -> None:
    """Make changes, one after the other, each at once; undo all of them if one fails.

    Args:
        root: of the service.
        folder: where files are written before they are moved, on the same disk.
        changes: in the order in which an interruption does the least harm.

    Raises:
        ScaffoldError: a file was changed meanwhile, or cannot be written.
    """
    done: list[Change] = []
    written = [_written(folder, number, change) for number, change in enumerate(changes)]
    try:
        for change, source in zip(changes, written, strict=True):
            _demand_unchanged(root, change)
            done.append(change)
            _move(root / change.path, source)
    except BaseException as error:
        for change in reversed(done):
            _undo(root, folder, change)
        if isinstance(error, OSError):
            raise ScaffoldError(
                f"Nothing was changed: {error.strerror} ({error.filename})."
            ) from error
        raise


def _written(folder: Path, number: int, change: Change) -> Path | None:
    """Write what a file will hold beside where it will be."""
    if change.after is None:
        return None
    source = folder / f"{number}.new"
    source.write_text(change.after, encoding="utf-8", newline="")
    return source


def _move(path: Path, source: Path | None) -> None:
    if source is None:
        path.unlink()
        return
    path = path.resolve()  # what a link points to is changed, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.copymode(path, source)
    os.replace(source, path)  # noqa: PTH105 - the one that promises to be atomic


def _undo(root: Path, folder: Path, change: Change) -> None:
    """Put back what was there; whoever interrupts now finds it in git."""
    path = root / change.path
    with contextlib.suppress(OSError):
        if change.before is None:
            path.unlink()
        else:
            _move(path, _written(folder, 0, Change(change.path, None, change.before)))


def _demand_unchanged(root: Path, change: Change) -> None:
    if content(root / change.path) != change.before:
        raise ScaffoldError(
            f"Nothing was changed: {change.path.as_posix()} became another meanwhile; try again."
        )


def content(path: Path) -> str | None:
    """Give the text of a file with its own line ends, or None if there is none.

    Raises:
        ScaffoldError: it is no text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ScaffoldError(f"{path} cannot be read: {error}.") from error
