"""What a driver is told when it connects."""

from typing import Any

from sqlalchemy import URL

from bedplate.errors import ConfigurationError

__all__ = ["connect_args"]


def connect_args(
    url: URL, *, connect_timeout: float, statement_timeout: float | None, pooler: bool
) -> dict[str, Any]:
    """Say the limits as the driver names them.

    Args:
        url: whose driver is told.
        connect_timeout: seconds that opening a connection may take.
        statement_timeout: seconds that a statement may take, or None for the server's setting.
        pooler: whether a pooler in transaction mode stands before the server.

    Raises:
        ConfigurationError: the pooler would refuse or mix up a ``statement_timeout``.
    """
    if pooler and statement_timeout is not None:
        raise ConfigurationError(
            "A pooler in transaction mode keeps no settings of a session: leave"
            " DATABASE_STATEMENT_TIMEOUT unset, and set statement_timeout on the database's role."
        )
    milliseconds = None if statement_timeout is None else str(round(statement_timeout * 1000))
    if url.get_driver_name() == "asyncpg":
        settings = {} if milliseconds is None else {"statement_timeout": milliseconds}
        options: dict[str, Any] = {"timeout": connect_timeout, "server_settings": settings}
        return options | (_ASYNCPG_UNPREPARED if pooler else {})
    options = {"connect_timeout": max(2, round(connect_timeout))}
    if milliseconds is not None:
        options["options"] = f"-c statement_timeout={milliseconds}"
    return options | (_PSYCOPG_UNPREPARED if pooler else {})


def _unnamed() -> str:
    """Name every prepared statement so that it lasts no longer than its use."""
    return ""


# Parsed, bound and run before the one Sync, so that a pooler keeps the server for all three.
_ASYNCPG_UNPREPARED = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": _unnamed,
}
_PSYCOPG_UNPREPARED = {"prepare_threshold": None}
