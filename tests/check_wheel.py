"""Check a built wheel as its users get it: nothing missing, and a core that needs no extra.

Run by the nox session `package`:  python tests/check_wheel.py dist/bedplate-X.Y.Z-py3-none-any.whl
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from uv import find_uv_bin

CORE = ["", ".errors", ".clock", ".context", ".settings", ".schemas", ".pagination"]
CORE += [".logging", ".asgi", ".health"]
REFUSED = {
    "bedplate.models": "bedplate[database]",
    "bedplate.repositories": "bedplate[database]",
    "bedplate.auth.tokens": "bedplate[auth]",
    "bedplate.auth.passwords": "bedplate[auth]",
    "bedplate.integrations.fastapi": "bedplate[fastapi]",
    "bedplate.integrations.litestar": "bedplate[litestar]",
    "bedplate.integrations.starlette": "bedplate[starlette]",
}


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done


def main(wheel: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("bedplate/py.typed", "bedplate/testing/plugin.py"):
        if wanted not in names:
            sys.exit(f"{wanted} is missing from the wheel")
    source = Path(__file__).parents[1] / "src"
    shipped = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    if missing := shipped - set(names):
        sys.exit(f"missing from the wheel: {sorted(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        uv = find_uv_bin()
        run(uv, "venv", "--quiet", "--python", sys.executable, f"{folder}/venv")
        python = f"{folder}/venv/bin/python"
        run(uv, "pip", "install", "--quiet", "--python", python, wheel)
        for module in CORE:
            run(python, "-I", "-W", "error", "-c", f"import bedplate{module}")
        for module, extra in REFUSED.items():
            done = run(python, "-I", "-c", f"import {module}", check=False)
            if done.returncode == 0 or extra not in done.stderr:
                sys.exit(f"import {module} without its extra should name {extra}:\n{done.stderr}")
        done = run(f"{folder}/venv/bin/bedplate", "--version", check=False)
        if done.returncode == 0 or "bedplate[cli]" not in done.stderr or "Trace" in done.stderr:
            sys.exit(f"the command without its extra should name bedplate[cli]:\n{done.stderr}")
    print(f"1 passed, 0 failed: {Path(wheel).name} is whole; the core imports with no extra")


if __name__ == "__main__":
    main(sys.argv[1])
