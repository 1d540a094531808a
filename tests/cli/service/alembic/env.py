"""Where Alembic begins."""

from notes.models import Base

from bedplate.migrations import run

run(Base.metadata)
