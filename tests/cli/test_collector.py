"""The garbage collector: it rests while a service starts, and leaves alone what was there then."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bedplate.cli.collector import collector_paused, settle_collector

ASKED = """
        elif scope["path"] == "/collector":
            import gc

            await answer(send, 200 if gc.isenabled() and gc.get_freeze_count() > 10_000 else 418)
        elif scope["path"] == "/slow":"""


class Garbage:
    """What only the collector takes away."""

    def __init__(self) -> None:
        self.myself = self


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    assert gc.isenabled()


@pytest.mark.parametrize("arguments", [(), ("--workers=2",), ("--reload",)])
def test_what_a_service_has_loaded_is_set_apart_once_it_serves(
    service: Path, serve: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    main = service / "src" / "notes" / "main.py"
    text = main.read_text(encoding="utf-8")
    slow = '\n        elif scope["path"] == "/slow":'
    assert slow in text
    main.write_text(text.replace(slow, ASKED), encoding="utf-8")
    serving = serve(service, *arguments)
    address = serving.address.removesuffix(" with 2 workers")
    assert httpx.get(f"{address}/collector").status_code == 200


@pytest.mark.unhappy
def test_garbage_of_later_is_collected_though_the_start_is_not_over() -> None:
    with collector_paused():
        assert not gc.isenabled()
        settle_collector()
        garbage = weakref.ref(Garbage())
        gc.collect()
        assert garbage() is None
        assert gc.isenabled()


@pytest.mark.unhappy
def test_after_a_start_that_failed_it_works_as_before() -> None:
    with pytest.raises(OSError, match="no port"), collector_paused():
        raise OSError("no port")
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
