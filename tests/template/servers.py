"""The servers that generated services use when they are run here: PostgreSQL and Redis, from wheels."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from bedplate.database.embedded import EmbeddedPostgres


class Postgres:
    """A PostgreSQL server, and an empty database on it whenever one is asked for."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self.url = self._url("postgres")

    def database(self) -> str:
        """Make a database and give its URL."""
        name = f"service_{secrets.token_hex(4)}"
        self._server.create_database(name)
        return self._url(name)

    def _url(self, database: str) -> str:
        return self._server.url(database).replace("+asyncpg", "", 1)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server; it joins one of these scripts that is there already."""
    with EmbeddedPostgres("template-scripts", durable=False) as server:
        yield Postgres(server)
