"""Perform exactly the commands of the tutorial in an empty folder, as a newcomer would.

Run by the nox session `tutorial`:  python tests/docs/run_tutorial.py
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-service.md"
SERVE = "uv run bedplate serve"
PROMISED = [
    r'"email": ?"ada@example\.com"',  # registered, and read again with the access token
    r"(?:^|\})204$",  # logged out
    r'"code": ?"invalid_token"',  # and refused afterwards
    r'"items": ?\[\{.*"text": ?"It is deployed\."',  # the feature, in production mode
    r'"total": ?1\b',
]


def shell_blocks() -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def run(script: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        check=False,
    )
    print(done.stdout)
    if done.returncode:
        sys.exit(f"the tutorial's commands ended with {done.returncode}")
    return done.stdout


@contextmanager
def serving(script: str, folder: Path, env: dict[str, str]) -> Iterator[list[str]]:
    """Run the serving block in a terminal of its own until the caller is through."""
    server = subprocess.Popen(
        ["bash", "-c", f"exec {script}"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert server.stdout is not None
        for line in server.stdout:
            lines.append(line)
            print("  serve |", line, end="")
            if "/docs" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        if not ready.wait(timeout=60) or server.poll() is not None:
            sys.exit("bedplate serve did not come up")
        yield lines
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
        reader.join()


HOLD = """
import sys
from bedplate.database.embedded import EmbeddedPostgres
with EmbeddedPostgres("tutorial", durable=False) as server:
    server.create_database("production")
    print(server.url("production"), flush=True)
    sys.stdin.read()
"""


@contextmanager
def production_database(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Give the URL of an empty database, on a server that the service's own packages bring."""
    command = [str(folder / ".venv" / "bin" / "python"), "-c", HOLD]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        yield holder.stdout.readline().strip()
        assert holder.stdin is not None
        holder.stdin.close()


def main() -> None:
    blocks = shell_blocks()
    serve = next(index for index, block in enumerate(blocks) if block.strip() == SERVE)
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CI"}
    }
    env |= {"BEDPLATE": str(ROOT), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    with tempfile.TemporaryDirectory(prefix="tutorial ") as name:
        folder = Path(name)
        tools = {**env, "PATH": f"{folder / 'tools' / 'bin'}:{env['PATH']}"}
        run("".join(blocks[:serve]), folder, env)
        service = folder / "my-service"
        with serving(SERVE, service, tools), production_database(service, env) as url:
            given = {**tools, "PRODUCTION_DATABASE": url}
            said = run("".join(blocks[serve + 1 :]), service, given)
        for promise in PROMISED:
            if not re.search(promise, said, re.MULTILINE):
                sys.exit(f"the tutorial promises {promise}, which did not appear")
    print("1 passed, 0 failed: the tutorial ends with what it promises")


if __name__ == "__main__":
    main()
