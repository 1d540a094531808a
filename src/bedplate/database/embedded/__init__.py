"""A real PostgreSQL for development and tests, from a wheel: no Docker, no root, no set-up.

The wheel gives the programs only; making, starting, sharing and stopping a cluster is done here.
Nobody but the calling user of this machine can connect. Not for production.
"""

from bedplate.database.embedded.errors import EmbeddedPostgresError
from bedplate.database.embedded.layout import cluster_name
from bedplate.database.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "cluster_name"]
