"""The server that tests run on, and the databases made on it for one run."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Never, Self

from sqlalchemy import URL, MetaData, create_mock_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import ExecutableDDLElement

from bedplate.database import Database
from bedplate.testing.guard import PREFIX, check_name, unguarded

type Schema = MetaData | Callable[[str], object]
"""What fills an empty database: tables to create, or a function that is given its URL."""

_UNBOUND = {"engine", "_connection"}
_LEFT_OVER_AFTER = 24 * 60 * 60  # seconds


class SharedDatabase(Database):
    """One object for a whole run, so that an application is built once; each test lends it a connection."""

    def __init__(self) -> None:
        """Make one that refuses everything until it is bound."""

    def __getattr__(self, name: str) -> Never:
        """Say what is missing."""
        if name in _UNBOUND:
            raise RuntimeError("No test that asks for the fixture `database` is running.")
        raise AttributeError(name)

    @contextmanager
    def bound(self, connection: AsyncConnection) -> Iterator[Self]:
        """Let all sessions join a connection inside a ``with`` block, as `Database.bound_to` does."""
        vars(self).update(vars(Database.bound_to(connection)))
        try:
            yield self
        finally:
            vars(self).clear()


class Postgres:
    """A server for tests; the databases made here are named ``bedplate_test_...`` and dropped.

    Args:
        server: the URL of a database on it that can be connected to; it is left as it is.
        run: the name of the run, beginning with ``bedplate_test_``, the same in all its processes.
        worker: the name of this process in the run.
    """

    def __init__(self, server: URL, *, run: str, worker: str) -> None:
        check_name(run)
        self._server = server
        self._run = run
        self._worker = worker
        self._made = 0
        self._shared: dict[str, Database] = {}

    def url(self, name: str) -> str:
        """Give the URL, with its password, of a test database."""
        check_name(name)
        return self._server.set(database=name).render_as_string(hide_password=False)

    async def drop_left_overs(self) -> None:
        """Drop what killed runs left more than a day ago, unless somebody is connected to it."""
        oldest = time.time() - _LEFT_OVER_AFTER
        async with self._maintenance() as connection:
            for name in await _names(connection, PREFIX, unused=True):
                epoch = name.removeprefix(PREFIX).partition("_")[0]
                if epoch.isdecimal() and int(epoch) < oldest:
                    with suppress(SQLAlchemyError):  # another run may be doing the same
                        await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))

    async def shared(self, schema: Schema) -> Database:
        """Give this process's database with a schema; made once, open until the end."""
        digest = _digest(schema)
        if digest not in self._shared:
            self._shared[digest] = await self.create(schema)
        return self._shared[digest]

    async def create(self, schema: Schema) -> Database:
        """Make a database with a schema, by copying the run's template, and open it."""
        template = f"{self._run}_template_{_digest(schema)}"
        self._made += 1
        name = f"{self._run}_{self._worker}_{self._made}"
        while not await self._copied(template, name):
            await self._make_template(template, schema)
        # a test that is slow because the machine is busy is not to fail for it
        return Database(self.url(name), pool_size=20, pool_timeout=60, connect_timeout=60)

    async def drop(self, database: Database) -> None:
        """Close and drop a database that was made here."""
        name = database.engine.url.database
        check_name(name)
        await database.dispose()
        async with self._maintenance() as connection:
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    async def close(self) -> None:
        """Drop this process's databases, and the templates if no other process is left."""
        while self._shared:
            await self.drop(self._shared.popitem()[1])
        async with self._maintenance(lock=self._run) as connection:
            names = await _names(connection, self._run)
            if all(name.startswith(f"{self._run}_template_") for name in names):
                for name in names:
                    await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))

    async def _copied(self, template: str, name: str) -> bool:
        """Copy a template if it is there; nobody who leaves drops it meanwhile."""
        async with self._maintenance(lock=self._run, shared=True) as connection:
            if template not in await _names(connection, template):
                return False
            await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
            return True

    async def _make_template(self, name: str, schema: Schema) -> None:
        """Make a template, unless another process did so meanwhile."""
        async with self._maintenance(lock=self._run) as connection:
            if name not in await _names(connection, name):
                unfinished = f"{name}_unfinished"
                await connection.execute(text(f'DROP DATABASE IF EXISTS "{unfinished}"'))
                await connection.execute(text(f'CREATE DATABASE "{unfinished}" TEMPLATE template0'))
                await self._fill(unfinished, schema)
                await connection.execute(text(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"'))

    async def _fill(self, name: str, schema: Schema) -> None:
        url = self.url(name)
        if isinstance(schema, MetaData):
            async with Database(url) as database, database.engine.begin() as connection:
                await connection.run_sync(schema.create_all)
        else:
            await asyncio.to_thread(schema, url)

    @asynccontextmanager
    async def _maintenance(
        self, *, lock: str | None = None, shared: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """Connect to where databases are made, holding a lock between processes if asked."""
        engine = create_async_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with unguarded():
            connection = await engine.connect()
        try:
            if lock is not None:  # ends with the connection
                take = "pg_advisory_lock_shared" if shared else "pg_advisory_lock"
                await connection.execute(
                    text(f"SELECT {take}(hashtextextended(:lock, 0))"), {"lock": lock}
                )
            yield connection
        finally:
            await connection.close()
            await engine.dispose()


async def _names(connection: AsyncConnection, prefix: str, *, unused: bool = False) -> list[str]:
    query = "SELECT datname FROM pg_database d WHERE starts_with(datname, :prefix)"
    if unused:
        query += " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)"
    return list(await connection.scalars(text(query), {"prefix": prefix}))


def _digest(schema: Schema) -> str:
    """Tell schemas apart, in the same way in every process of a run."""
    if isinstance(schema, MetaData):
        described = "\n".join(sorted(_ddl(schema)))
    else:
        name = getattr(schema, "__qualname__", None)
        described = repr(schema) if name is None else f"{schema.__module__}.{name}"
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _ddl(metadata: MetaData) -> list[str]:
    """Give all that creating a schema would send: tables, indexes, sequences, types."""
    sent: list[str] = []

    def keep(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        sent.append(str(statement.compile(dialect=mock.dialect)))

    mock = create_mock_engine("postgresql+psycopg://", keep)
    metadata.create_all(mock, checkfirst=False)
    return sent
