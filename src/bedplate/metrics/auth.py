"""What is measured of signing in: outcomes, and nothing about whom they concern."""

from bedplate.auth.events import AuthEvent
from bedplate.metrics.instruments import Backend, Description


class AuthMetrics:
    """Logins and refreshes by their outcome: an ``AuthListener``, for ``AuthService(listener=...)``."""

    def __init__(self, backend: Backend) -> None:
        self._logins = backend.counter(
            Description(
                name="bedplate.auth.logins",
                text="Logins by outcome: succeeded, refused, throttled.",
                unit="{login}",
                labels=("outcome",),
            )
        )
        self._refreshes = backend.counter(
            Description(
                name="bedplate.auth.refreshes",
                text="Refresh tokens presented, by outcome: succeeded, refused, reused.",
                unit="{refresh}",
                labels=("outcome",),
            )
        )

    def __call__(self, event: AuthEvent) -> None:
        """Count one event."""
        what, _, outcome = event.value.partition("_")
        counter = self._logins if what == "login" else self._refreshes
        counter.count((outcome,))
