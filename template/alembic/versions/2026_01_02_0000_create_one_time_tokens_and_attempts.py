"""create one-time tokens and attempts

Revision ID: 9b7c2e51f0d4
Revises: 4e1f6d0a7c52
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "9b7c2e51f0d4"
down_revision: str | Sequence[str] | None = "4e1f6d0a7c52"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "one_time_tokens",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("account_email", sa.String(254), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("issued_at", MOMENT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_one_time_tokens")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_one_time_tokens_user_id_users"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_one_time_tokens_user_id"), "one_time_tokens", ["user_id"])
    op.create_index(op.f("ix_one_time_tokens_expires_at"), "one_time_tokens", ["expires_at"])

    op.create_table(
        "attempt_counters",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("empty_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt_counters")),
    )
    op.create_index(op.f("ix_attempt_counters_empty_at"), "attempt_counters", ["empty_at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("attempt_counters")
    op.drop_table("one_time_tokens")
