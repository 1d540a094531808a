"""Notes."""

import sqlalchemy as sa
from alembic import op

revision = "aaa111"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_notes"),
    )


def downgrade() -> None:
    op.drop_table("notes")
