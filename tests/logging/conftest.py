"""Logging into memory, set back afterwards."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bedplate.logging import configure_logging


class Written(io.StringIO):
    """What the sink wrote."""

    def lines(self) -> list[str]:
        return self.getvalue().split("\n")[:-1]

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def written() -> Iterator[Written]:
    """The sink's stream, with one JSON object a line."""
    stream = Written()
    configure_logging("DEBUG", json=True, stream=stream)
    yield stream
    configure_logging("INFO", json=True)


@pytest.fixture
def console() -> Iterator[Written]:
    """The sink's stream, with readable lines."""
    stream = Written()
    configure_logging("DEBUG", json=False, stream=stream)
    yield stream
    configure_logging("INFO", json=True)
