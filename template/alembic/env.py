"""Runs this service's migrations."""

from bedplate.migrations import run

from app.models import Base

run(Base.metadata)
