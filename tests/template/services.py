"""Services generated from the built wheel, installed and run as users do it: for the scripts beside this."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.ports import free_port
from tests.template.harness import ROOT
from uv import find_uv_bin

UV = find_uv_bin()
SERVE = (UV, "run", "bedplate", "serve")
PATIENCE = 180  # seconds, for machines that do much else; nothing is measured by it
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"}
    and name
    not in {"ENVIRONMENT", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTHONDONTWRITEBYTECODE"}
} | {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}


def build(folder: Path) -> Path:
    """Build the wheel that the services install."""
    run(ROOT, UV, "build", "--quiet", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("*.whl"))


def generate(template: Path | str, folder: Path, wheel: Path, *answers: str) -> None:
    """Generate a service as a user does, and install it.

    Args:
        template: a folder or a Git URL.
        folder: what to make.
        wheel: where its bedplate comes from.
        answers: as ``name=value``, by question.
    """
    given = [part for answer in answers for part in ("--data", answer)]
    source = ("--data", f"bedplate_source={wheel}")
    command = ("copier", "copy", "--defaults", "--quiet", *source, *given)
    run(ROOT, sys.executable, "-m", *command, str(template), str(folder))
    install(folder)


def install(folder: Path, env: Mapping[str, str] | None = None) -> None:
    """Install what a service needs at the versions of the constraints."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.uv]\nconstraint-dependencies = {json.dumps(pins)}\n")
    run(folder, UV, "sync", "--quiet", env=env)


class Served:
    """A service that is running.

    Args:
        folder: where it is run.
        command: what serves; it is told the port.
        env: what is configured; nothing, unless said.
    """

    def __init__(
        self, folder: Path, command: Sequence[str] = SERVE, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.command = [*command, "--port", str(self.port)]
        self.env = ENVIRONMENT | dict(env or {})

    def __enter__(self) -> Self:
        say(f"{shown(self.command)}   in {self.folder}")
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, env=self.env, stdout=self.log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + PATIENCE
        while self.send("GET", "/health/ready")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                sys.exit(f"it does not serve:\n{self.output()}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = None
        if status != 0:
            sys.exit(f"it did not stop as it should, but with {status}:\n{self.output()}")

    def output(self) -> str:
        """Give what the process has printed."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def demand(
        self, status: int, path: str, body: Any = None, *, token: str = "", method: str = ""
    ) -> Any:
        """Send a request of the API, and end everything unless the answer has this status."""
        form = isinstance(body, tuple)
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        headers = {"content-type": kind} | ({"authorization": f"Bearer {token}"} if token else {})
        data = urllib.parse.urlencode(body).encode() if form else json.dumps(body).encode()
        verb = method or ("GET" if body is None else "POST")
        answer = self.send(verb, f"/api/v1{path}", headers, data if body is not None else None)
        if answer[0] != status:
            sys.exit(f"{verb} {path} answered {answer}, not {status}\n{self.output()}")
        return json.loads(answer[1] or "null")

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> tuple[int, str]:
        """Send any request; 0 stands for no answer at all."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


def use(service: Served) -> None:
    """Log in, call a protected route, refresh, log out: as the README shows it."""
    form = (("username", ACCOUNT["email"]), ("password", ACCOUNT["password"]))
    pair = service.demand(200, "/auth/token", form)
    service.demand(200, "/users/me", token=pair["access_token"])
    service.demand(403, "/users", token=pair["access_token"])
    refreshed = service.demand(200, "/auth/refresh", {"refresh_token": pair["refresh_token"]})
    service.demand(204, "/auth/logout", token=refreshed["access_token"], method="POST")
    service.demand(401, "/users/me", token=refreshed["access_token"])
    service.demand(400, "/auth/refresh", {"refresh_token": refreshed["refresh_token"]})


def run(folder: Path, *command: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command, and end everything with its status if it fails."""
    say(f"{shown(command)}   in {folder}")
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT | dict(env or {}), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def shown(command: Sequence[str]) -> str:
    """Give a command as people write it."""
    return " ".join([Path(command[0]).name, *command[1:]])


def say(what: str) -> None:
    print(f"> {what}", flush=True)
