"""`bedplate serve` ends, whatever its requests do."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bedplate.cli.errors import ExitCode

type Hang = Callable[..., Any]


@pytest.fixture
def hang(
    service: Path, serve: Callable[..., Any], wait_for: Callable[[Callable[[], object]], None]
) -> Hang:
    """Let a request hang, tell the server to end, and give what it wrote until it had."""

    def until_the_end(how: str) -> Any:
        serving = serve(service, "--grace=1")
        headers = {"x-request-id": "the-one-that-hangs"}
        with ThreadPoolExecutor() as threads:
            url = f"{serving.address}/hang/{how}"
            asking = threads.submit(httpx.get, url, headers=headers, timeout=200)
            wait_for(lambda: any("hanging" in line for line in serving.out))
            assert serving.end(signal.SIGTERM) == ExitCode.DONE
            assert isinstance(asking.exception(), httpx.TransportError) or (
                asking.result().status_code == 500
            )
        return serving

    return until_the_end


def of_the_request(serving: Any) -> list[str]:
    return [line for line in serving.out if "request_id=the-one-that-hangs" in line][1:]


@pytest.mark.unhappy
@pytest.mark.parametrize("how", ["task", "executor", "thread"])
def test_a_request_that_hangs_is_ended_after_the_grace_and_recorded(hang: Hang, how: str) -> None:
    serving = hang(how)
    assert [line for line in serving.out if "graceful shutdown exceeded" in line]
    assert not [line for line in serving.out if "Exception in ASGI application" in line]
    [record] = of_the_request(serving)
    assert "http.response.status_code=499" in record
    assert "error.type=CancelledError" in record
    assert any(line.endswith("pool closed [notes]") for line in serving.out)


@pytest.mark.unhappy
def test_a_request_that_does_not_let_itself_be_ended_is_left_behind_and_named(hang: Hang) -> None:
    serving = hang("deaf")
    [record] = of_the_request(serving)
    assert "request left behind" in record
    assert serving.err[-1] == "Leaving the embedded PostgreSQL; its data stays."
