"""A primary and its streaming replica, which a test may do anything to."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.clusters import Cluster, Standby


@pytest.fixture(scope="session")
def pair() -> Iterator[tuple[Cluster, Standby]]:
    folder = Path(tempfile.mkdtemp(prefix="bedplate-", dir="/tmp"))
    folder.chmod(0o755)
    primary = Cluster(folder / "primary", fsync="off", autovacuum="off")
    primary.create()
    standby = Standby(folder / "standby", primary)
    standby.create()
    yield primary, standby
    for server in (standby, primary):
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stranger() -> Iterator[Callable[[], Standby]]:
    """Makes a standby of another primary, once."""
    made: list[Cluster] = []
    folder = Path(tempfile.mkdtemp(prefix="bedplate-", dir="/tmp"))
    folder.chmod(0o755)

    @cache
    def make() -> Standby:
        primary = Cluster(folder / "primary", fsync="off")
        made.append(primary)
        primary.create()
        standby = Standby(folder / "standby", primary)
        made.append(standby)
        standby.create()
        return standby

    yield make
    for server in made:
        server.stop()
    shutil.rmtree(folder)
