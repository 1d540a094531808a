"""Perform the README's first minute, and draw what the terminal showed.

python tests/docs/draw_first_minute.py docs/first-minute.svg
"""

import json
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template.harness import snapshot
from tests.template.services import ACCOUNT, ENVIRONMENT, UV, Served, build, generate

WIDTH = 108
# rich's own, without the font that it would load from elsewhere
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Terminal:
    """What is typed, and what is answered."""

    def __init__(self) -> None:
        self._console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)

    def show(self, typed: str, answered: str, *, lines: int = 12) -> None:
        self._console.print(Text(f"$ {typed}", style="bold green"))
        for line in answered.strip().splitlines()[:lines]:
            self._console.print(
                Text(line[: WIDTH - 1] if len(line) < WIDTH else f"{line[: WIDTH - 4]}...")
            )

    def draw(self, path: Path) -> None:
        svg = self._console.export_svg(title="the first minute")
        path.write_text(_FONTS.sub("", svg), encoding="utf-8")


def said(folder: Path, *command: str) -> str:
    """Give what a command of a service prints."""
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    return done.stdout


def main(path: Path) -> None:
    terminal = Terminal()
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        service = home / "my-service"
        generate(snapshot(home / "template"), service, build(home / "dist"))
        terminal.show("copier copy PATH-OR-URL-OF-THIS-REPOSITORY my-service && cd my-service", "")
        command = "bedplate add resource product name:str price:decimal"
        terminal.show(f"uv run {command}", said(service, UV, "run", *command.split()), lines=20)
        with Served(service) as served:
            terminal.show(
                "uv run bedplate serve", served.output().replace(str(served.port), "8000")
            )
            opened = served.demand(201, "/users", ACCOUNT)
            call = f"curl -s $api/users --json '{{\"email\": \"{ACCOUNT['email']}\", \"password\": \"...\"}}'"
            terminal.show(call, json.dumps(opened))
            form = (("username", ACCOUNT["email"]), ("password", ACCOUNT["password"]))
            pair = served.demand(200, "/auth/token", form)
            terminal.show(
                "curl -s $api/auth/token -d username=ada@example.com -d password=...",
                "{"
                f'"access_token": "{pair["access_token"][:24]}...", "token_type": "bearer", "expires_in": {pair["expires_in"]}, ...}}',
            )
            page = served.demand(200, "/products?total=true", token=pair["access_token"])
            terminal.show(
                'curl -s "$api/products?total=true" -H "authorization: Bearer $access"',
                json.dumps(page),
            )
    terminal.draw(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
