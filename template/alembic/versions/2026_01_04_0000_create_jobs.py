"""create jobs

Revision ID: d41f6b90c2a8
Revises: c35d0a81e7f6
"""

from collections.abc import Sequence

from alembic import op
from bedplate.jobs.schema import create_jobs, drop_jobs

revision: str = "d41f6b90c2a8"
down_revision: str | Sequence[str] | None = "c35d0a81e7f6"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    create_jobs(op)


def downgrade() -> None:
    """Undo."""
    drop_jobs(op)
