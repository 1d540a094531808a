"""A headless Chromium, spoken to by its own protocol: for what only a browser can tell of a page."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60  # seconds, for machines that do much else; nothing is measured by it
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
)
_OVERFLOW = """
(() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const broken = [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src);
  return JSON.stringify({ wide, broken });
})()
"""


class Browser:
    """One tab.

    Args:
        connection: to the tab.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last = 0
        self._events: list[Mapping[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def faults(
        self, url: str, *, width: int, height: int, picture: Path | None = None
    ) -> list[str]:
        """Open a page and tell what is wrong with it.

        Args:
            url: of the page.
            width: of the window, in pixels.
            height: of the window, in pixels.
            picture: where to keep what is to be seen.
        """
        self._events.clear()
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self._call("Emulation.setDeviceMetricsOverride", **metrics, mobile=False)
        self._call("Page.navigate", url=url)
        self._wait("Page.loadEventFired")
        found = self._call("Runtime.evaluate", expression=_OVERFLOW)["result"]["value"]
        seen = json.loads(found)
        if picture is not None:
            shot = self._call("Page.captureScreenshot", captureBeyondViewport=True)
            picture.write_bytes(base64.b64decode(shot["data"]))
        faults = [f"shows no picture {source}" for source in seen["broken"]]
        if seen["wide"] > 0:
            faults.append(f"is {seen['wide']} pixels wider than the window")
        return [*faults, *self._told(urlsplit(url).netloc)]

    def _told(self, host: str) -> Iterator[str]:
        for event in self._events:
            given = event["params"]
            match event["method"]:
                case "Network.requestWillBeSent":
                    asked = urlsplit(given["request"]["url"])
                    if asked.scheme not in {"data", "blob"} and asked.netloc != host:
                        yield f"asks {asked.netloc} for {asked.path}"
                case "Runtime.exceptionThrown":
                    yield f"throws {given['exceptionDetails']['text']}"
                case "Log.entryAdded" if given["entry"]["level"] == "error":
                    yield f"logs {given['entry']['text']} {given['entry'].get('url', '')}"

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        self._connection.send(
            json.dumps({"id": self._last, "method": method, "params": parameters})
        )
        while True:
            message: dict[str, Any] = json.loads(self._connection.recv(PATIENCE))
            if message.get("id") == self._last:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._events.append(message)

    def _wait(self, method: str) -> None:
        while not any(event["method"] == method for event in self._events):
            self._events.append(json.loads(self._connection.recv(PATIENCE)))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one, with nothing of anybody's in it.

    Raises:
        RuntimeError: there is none on this machine.
    """
    program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if program is None:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, *_QUIET, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
        process = subprocess.Popen([*command, "about:blank"], stderr=subprocess.DEVNULL)
        try:
            with connect(_address(Path(profile), process), max_size=None) as connection:
                yield Browser(connection)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait for the port, and give the address of the first tab."""
    import urllib.request

    told, end = profile / "DevToolsActivePort", time.monotonic() + PATIENCE
    while not told.exists() or len(told.read_text().split()) < 2:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("Chromium does not start")
        time.sleep(0.05)
    port = told.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
        tabs = json.load(answer)
    address: str = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return address
