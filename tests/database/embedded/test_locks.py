"""bedplate.database.embedded.locks"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedplate.database.embedded import EmbeddedPostgresError
from bedplate.database.embedded.locks import locked, open_lock, try_lock


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[int]]:
    """Two independent openings of one lock file."""
    descriptors = [open_lock(tmp_path / "lock") for _ in range(2)]
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def test_shared_holders_get_along(opened: list[int]) -> None:
    assert all(try_lock(descriptor, shared=True) for descriptor in opened)


@pytest.mark.unhappy
def test_an_exclusive_holder_keeps_everybody_out(opened: list[int]) -> None:
    first, second = opened
    assert try_lock(first)
    assert not try_lock(second)
    assert not try_lock(second, shared=True)


@pytest.mark.unhappy
def test_a_holder_that_does_not_let_go_is_named_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked(path, timeout=0),
        pytest.raises(EmbeddedPostgresError, match=f"it holds {path}"),
        locked(path, timeout=0),
    ):
        pass


@pytest.mark.unhappy
def test_an_error_inside_unlocks(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with pytest.raises(LookupError), locked(path, timeout=0):
            raise LookupError


@pytest.mark.unhappy
def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        open_lock(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()
