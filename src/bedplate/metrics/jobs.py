"""What is measured of background jobs: attempts by outcome, and what waits in the queue."""

from collections.abc import Mapping

from bedplate.jobs.listening import Backlog, Outcome
from bedplate.metrics.instruments import Backend, Description, Gauge

_BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0)


class JobMetrics:
    """Attempts at jobs, and the queue: a ``JobListener``, for ``Worker(listener=...)``.

    What waits is the same to every worker: take the largest of their numbers and not the sum.
    """

    def __init__(self, backend: Backend) -> None:
        self._attempts = backend.histogram(
            Description(
                name="bedplate.jobs.duration",
                text="Attempts at jobs by outcome: done, retried, dead, given_back.",
                unit="s",
                labels=("job", "outcome"),
            ),
            _BOUNDS,
        )
        self._running = _gauge(backend, "running", "Jobs that this worker runs.", "{job}")
        self._waiting = _gauge(backend, "waiting", "Jobs that nobody has begun.", "{job}")
        self._dead = _gauge(backend, "dead", "Jobs that nobody tries any more.", "{job}")
        self._oldest = _gauge(
            backend, "oldest", "Time since the longest waiting job became due.", "s"
        )

    def began(self, job: str) -> None:
        """Count an attempt that runs."""
        self._running.add(1, (job,))

    def ended(self, job: str, outcome: Outcome, seconds: float) -> None:
        """Count how an attempt ended."""
        self._running.add(-1, (job,))
        self._attempts.record(seconds, (job, outcome.value))

    def measured(self, backlog: Mapping[str, Backlog]) -> None:
        """Keep what is in the queue."""
        for job, found in backlog.items():
            self._waiting.set(found.waiting, (job,))
            self._dead.set(found.dead, (job,))
            self._oldest.set(found.oldest, (job,))


def _gauge(backend: Backend, name: str, text: str, unit: str) -> Gauge:
    return backend.gauge(
        Description(name=f"bedplate.jobs.{name}", text=text, unit=unit, labels=("job",))
    )
