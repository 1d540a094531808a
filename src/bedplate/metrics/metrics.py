"""Everything an application measures, behind one backend."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bedplate.asgi.types import Scope
from bedplate.metrics.auth import AuthMetrics
from bedplate.metrics.instruments import Backend, Silence
from bedplate.metrics.requests import RequestMetrics, nobody_else

if TYPE_CHECKING:
    from bedplate.database import Database
    from bedplate.metrics.database import DatabaseMetrics
    from bedplate.metrics.jobs import JobMetrics
    from bedplate.metrics.traces import Traces

__all__ = ["Metrics"]


class Metrics:
    """What an application measures: requests, its database, signing in, its jobs.

    ``install()`` of each framework makes one by the settings and leaves it at
    ``app.state.metrics``.

    Args:
        backend: keeps the numbers: ``PrometheusBackend``, ``OpenTelemetryBackend``, or None to
            measure nothing.
        elsewhere: tells whether another instrumentation measures a request already.
        traces: makes spans of requests and of the database, or None.
    """

    def __init__(
        self,
        backend: Backend | None,
        *,
        elsewhere: Callable[[Scope], bool] = nobody_else,
        traces: "Traces | None" = None,
    ) -> None:
        self.backend = backend
        self.traces = traces
        self._making = backend or Silence()
        self.requests = RequestMetrics(self._making, elsewhere=elsewhere)
        self.auth = AuthMetrics(self._making)
        self._database: DatabaseMetrics | None = None
        self._jobs: JobMetrics | None = None

    @property
    def enabled(self) -> bool:
        """Whether anything is measured."""
        return self.backend is not None

    @contextmanager
    def watching(self, database: "Database", name: str = "main") -> Iterator[None]:
        """Measure a database inside a ``with`` block: its operations and its pool.

        Where traces are on, its operations have spans too.

        ::

            async with open_database(settings) as database:
                with app.state.metrics.watching(database):
                    yield

        Args:
            database: one that is open.
            name: what its pool is called; another one for each database of an application.
        """
        with ExitStack() as stack:
            if self.backend is not None:
                stack.enter_context(self._database_metrics().watching(database, name))
            if self.traces is not None:
                stack.enter_context(self.traces.watching(database))
            yield

    @property
    def jobs(self) -> "JobMetrics":
        """What measures background jobs, for ``Worker(listener=...)``."""
        if self._jobs is None:  # a service has them, or not
            from bedplate.metrics.jobs import JobMetrics

            self._jobs = JobMetrics(self._making)
        return self._jobs

    def _database_metrics(self) -> "DatabaseMetrics":
        if self._database is None:  # made when there is a database: it needs its extra
            from bedplate.metrics.database import DatabaseMetrics

            self._database = DatabaseMetrics(self._making)
        return self._database
