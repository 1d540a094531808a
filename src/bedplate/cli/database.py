"""The project's database for one command: in development the embedded server runs meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bedplate.cli.console import note
from bedplate.cli.environment import export_database_url, load
from bedplate.cli.loading import told_in_a_line
from bedplate.cli.project import Project
from bedplate.settings import SecretUrl, ServiceSettings


@dataclass(frozen=True, slots=True)
class OpenProject:
    """A project with its settings and a database that answers while it is open.

    The URL goes around a pooler, if there is a way around.
    """

    project: Project
    settings: ServiceSettings
    url: SecretUrl

    def ensure_migrated(self) -> None:
        """Migrate the embedded database; demand of any other that it is migrated.

        Raises:
            CommandError: it is not, or the migrations are unclear.
            DatabaseUnavailableError: the database does not answer.
        """
        if not self.project.migrated:
            return
        from bedplate.cli.migrating import require_current, upgrade_with_notes

        root, url = self.project.root, self.url.get_secret_value()
        with told_in_a_line("The migrations cannot be run"):
            if self.settings.database_url is None:
                upgrade_with_notes(root, url)
            else:
                require_current(root, url, deployed=self.settings.is_deployed)


@contextmanager
def open_project(project: Project) -> Iterator[OpenProject]:
    """Enter a project's folder, load its settings and have its database.

    Raises:
        ConfigurationError: the settings are wrong.
        EmbeddedPostgresError: the embedded server cannot be had.
    """
    project.enter()
    settings_class = project.load_settings_class()
    settings = load(settings_class)
    with running_database(settings) as url:
        yield OpenProject(project, settings, settings.database_direct_url or url)


@contextmanager
def running_database(
    settings: ServiceSettings, *, meanwhile: Callable[[], object] | None = None
) -> Iterator[SecretUrl]:
    """Have the database that the settings mean, exported as DATABASE_URL.

    Args:
        settings: the service's.
        meanwhile: what to do while the embedded server starts; it takes seconds the first time.

    Raises:
        EmbeddedPostgresError: the embedded server cannot be had.
    """
    if settings.database_url is None:
        note("Starting the embedded PostgreSQL.")
    from bedplate.database import database_url

    with ExitStack() as opened:
        with ThreadPoolExecutor(1) as thread:  # whose end is waited for, whatever happens here
            starting = thread.submit(opened.enter_context, database_url(settings))
            if meanwhile is not None:
                meanwhile()
        url = starting.result()
        export_database_url(type(settings), url)
        yield url
