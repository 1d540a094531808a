"""What the parts of bedplate.auth may import."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bedplate.auth

WITHOUT_DATABASE = [
    "api_key_text",
    "argon2_passwords",
    "asymmetric_keys",
    "bearer",
    "breached_passwords",
    "claims",
    "configured",
    "emails",
    "events",
    "keys",
    "letters",
    "passwords",
    "password_policy",
    "password_strength",
    "refresh_tokens",
    "schemas",
    "session_cache",
    "settings",
    "throttle",
    "throttle_limits",
    "tokens",
]
FRAMEWORKS = ["fastapi", "starlette", "litestar"]


def run(code: Any) -> Any:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def importing(modules: Any, blocked: Any) -> Any:
    blocks = "".join(f"sys.modules[{name!r}] = None; " for name in blocked)
    imports = "; ".join(f"import bedplate.auth.{module}" for module in modules)
    return run(f"import sys; {blocks}{imports}")


def test_tokens_keys_and_passwords_need_no_database() -> None:
    done = importing(WITHOUT_DATABASE, ["sqlalchemy", "asyncpg", "psycopg", *FRAMEWORKS])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.unhappy
def test_nothing_in_auth_needs_a_web_framework() -> None:
    modules = sorted(path.stem for path in Path(bedplate.auth.__file__).parent.glob("[!_]*.py"))
    assert set(WITHOUT_DATABASE) <= set(modules)
    done = importing(modules, FRAMEWORKS)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("module", "package", "shown"),
    [
        ("asymmetric_keys", "cryptography", "cryptography"),
        ("tokens", "jwt", "pyjwt"),
        ("passwords", "bcrypt", "bcrypt"),
        ("emails", "email_validator", "email-validator"),
    ],
)
def test_a_missing_extra_is_named_in_one_sentence(module: Any, package: Any, shown: Any) -> None:
    done = importing([module], [package])
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"{shown} is not installed; install it with: pip install 'bedplate[auth]'")
