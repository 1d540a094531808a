"""PgQueuer's driver for psycopg, with a connection for statements beside the one that listens."""

from typing import Any, override

from pgqueuer.adapters.drivers.psycopg import PsycopgDriver

__all__ = ["TwoConnections"]


class TwoConnections(PsycopgDriver):
    """On one connection alone each statement would wait up to a second for the listener to pause.

    Args:
        listening: in AUTOCOMMIT.
        asking: in AUTOCOMMIT.
    """

    def __init__(self, listening: Any, asking: Any) -> None:  # noqa: ANN401 - SQLAlchemy's types
        super().__init__(listening)
        self._asking = PsycopgDriver(asking)

    @override
    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return await self._asking.fetch(query, *args)

    @override
    async def execute(self, query: str, *args: object) -> str:
        return await self._asking.execute(query, *args)
