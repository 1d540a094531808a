import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bedplate.cli.errors import ExitCode
from bedplate.database.embedded import EmbeddedPostgres, cluster_name

PATIENCE = 120.0  # seconds


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as an editor does, with a time of its own."""
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def answer(url: str) -> int:
    try:
        return httpx.get(url, timeout=PATIENCE).status_code
    except httpx.HTTPError:
        return 0


def server_pid(service: Path) -> int:
    with EmbeddedPostgres(cluster_name(service)) as server:
        return server.pid


def test_a_changed_file_is_served_and_postgresql_runs_on(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    serving = serve(service, "--reload", SLOW="0")
    before = server_pid(service)
    assert answer(f"{serving.address}/slow") == 200
    edit(service / "src" / "notes" / "main.py", "answer(send, 200)", "answer(send, 202)")
    wait_for(lambda: answer(f"{serving.address}/slow") == 202)
    assert httpx.post(f"{serving.address}/notes/1").status_code == 201
    assert server_pid(service) == before
    assert serving.end(signal.SIGINT) == ExitCode.DONE
    assert serving.out.count(f"Serving on {serving.address}") == 2
    assert serving.err[-1] == "Leaving the embedded PostgreSQL; its data stays."


@pytest.mark.unhappy
def test_a_mistake_is_told_in_one_line_and_mended_by_the_next_change(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    serving = serve(service, "--reload", SLOW="0")
    main = service / "src" / "notes" / "main.py"
    edit(main, "import asyncio\n", "import asyncio, no_such_module\n")
    wait_for(lambda: any("no_such_module" in line for line in serving.err))
    assert serving.process.poll() is None
    edit(main, "import asyncio, no_such_module\n", "import asyncio\n")
    wait_for(lambda: answer(f"{serving.address}/slow") == 200)
    assert not any("Traceback" in line for line in serving.err)
    assert serving.end(signal.SIGTERM) == ExitCode.DONE


@pytest.mark.unhappy
def test_a_service_that_is_broken_from_the_start_waits_for_a_change(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> None:
    main = service / "src" / "notes" / "main.py"
    edit(main, "import asyncio\n", "import asyncio, no_such_module\n")
    serving = serve(service, "--reload", wait=False, SLOW="0")
    wait_for(lambda: any("No module named 'no_such_module'" in line for line in serving.err))
    edit(main, "import asyncio, no_such_module\n", "import asyncio\n")
    serving.wait_until_it_serves_or_ends()
    assert answer(f"{serving.address}/slow") == 200
