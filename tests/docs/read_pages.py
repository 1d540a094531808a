"""Open each page of the built site in Chromium, as wide as a phone and as a desk, and tell what is wrong.

Run by the nox session `pages`:  python tests/docs/read_pages.py [FOLDER FOR SCREENSHOTS]
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.docs.browser import chromium  # noqa: E402 - needs the path

WINDOWS = {"phone": (390, 844), "desk": (1280, 900)}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def main(site: Path, pictures: Path | None) -> None:
    pages = sorted(page.parent.relative_to(site) for page in site.rglob("index.html"))
    if len(pages) < 10:
        sys.exit(f"{site} is not the site: mkdocs build")
    faults = []
    with served(site) as address, chromium() as browser:
        for page in pages:
            for name, (width, height) in WINDOWS.items():
                place = "-".join(page.parts) or "home"
                picture = pictures / f"{place}.{name}.png" if pictures is not None else None
                url = f"{address}/{page.as_posix()}/"
                found = browser.faults(url, width=width, height=height, picture=picture)
                faults += [f"{page} on a {name} {fault}" for fault in found]
    print("\n".join(faults))
    print(f"{len(pages)} pages in {len(WINDOWS)} widths, {len(faults)} faults")
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="site-") as name:
        build = ("mkdocs", "build", "--quiet", "--strict", "--site-dir", name)
        subprocess.run([sys.executable, "-m", *build], cwd=ROOT, check=True)
        main(Path(name), folder)
