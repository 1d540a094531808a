"""A secret key for one developer's machine, made on first use and never committed."""

import os
import secrets
from pathlib import Path

from bedplate.secret_strength import generate_secret

STATE_FOLDER = ".bedplate"


def local_secret(project_dir: Path) -> str:
    """Read the project's local secret key, making it first where there is none.

    Args:
        project_dir: the folder that holds ``.bedplate/secret_key``.

    Raises:
        OSError: the file can be neither read nor made.
    """
    folder = project_dir / STATE_FOLDER
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        _create_once(path, generate_secret())
    return path.read_text(encoding="utf-8").strip()


def _create_once(path: Path, text: str) -> None:
    """Write a whole file that only its owner may read; of several writers the first one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
