"""A project with two migrations, and the URL of an empty database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bedplate.database import Database

PYPROJECT = """\
[tool.alembic]
script_location = "%(here)s/alembic"
file_template = "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
timezone = "UTC"
"""
SCRIPT = '''\
"""${message}"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''
ENV = """\
import sqlalchemy as sa
from bedplate.migrations import run
from bedplate.models import UTCDateTime

metadata = sa.MetaData()
sa.Table("books", metadata, sa.Column("id", sa.Integer, primary_key=True), {columns})
run(metadata)
"""
MIGRATION = '''\
"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


class Project:
    """A folder with pyproject.toml and migrations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "alembic" / "versions"
        self.versions.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "alembic" / "script.py.mako").write_text(SCRIPT)
        self.declare('sa.Column("title", sa.String)')
        self.add(
            "aaa1",
            None,
            message="make books",
            upgrade='op.create_table("books", sa.Column("id", sa.Integer, primary_key=True))',
            downgrade='op.drop_table("books")',
        )
        self.add(
            "bbb2",
            "aaa1",
            message="books have titles",
            upgrade='op.add_column("books", sa.Column("title", sa.String))',
            downgrade='op.drop_column("books", "title")',
        )

    def declare(self, columns: str) -> None:
        (self.folder / "alembic" / "env.py").write_text(ENV.format(columns=columns))

    def add(
        self,
        revision: str,
        down: str | None,
        *,
        message: str = "more",
        upgrade: str = "pass",
        downgrade: str = "pass",
    ) -> None:
        (self.versions / f"{revision}.py").write_text(
            MIGRATION.format(
                message=message,
                revision=revision,
                down=repr(down),
                upgrade=upgrade,
                downgrade=downgrade,
            )
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="session")
def schema() -> Callable[[str], None]:
    return lambda _url: None


@pytest.fixture
def url(committed_database: Database) -> str:
    return committed_database.engine.url.render_as_string(hide_password=False)
