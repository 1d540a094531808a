"""Which bedplate this is, and from which template a service was generated."""

import re
from pathlib import Path

from bedplate import __version__

_ANSWERS = ".copier-answers.yml"
_RELEASE = re.compile(r"\d+(\.\d+)+")
_COMMIT = re.compile(r"^_commit:\s*['\"]?([^'\"\s#]+)", re.MULTILINE)


def library_version() -> str:
    """Give the version of the library that runs."""
    return __version__


def release_of(version: str) -> str | None:
    """Give the release in a version or `git describe`: `0.1.0` of `0.1.0-3-gabc1234`, else None.

    Args:
        version: of the library, or of the template.
    """
    found = _RELEASE.match(version)
    return found.group() if found else None


def template_version(root: Path) -> str | None:
    """Give the template's version that a service was generated from or updated to.

    Args:
        root: the service's folder.
    """
    try:
        # one line of a file that Copier writes: a YAML library is not worth it
        found = _COMMIT.search((root / _ANSWERS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return found.group(1).removeprefix("v") if found else None
