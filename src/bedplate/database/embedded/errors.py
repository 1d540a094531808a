"""What is raised when the embedded PostgreSQL cannot be had."""

from bedplate.errors import BedplateError


class EmbeddedPostgresError(BedplateError):
    """The embedded PostgreSQL cannot be made, started, reached or stopped; the message says why."""

    code = "embedded_postgres"
    default_message = "The embedded PostgreSQL is not available."
