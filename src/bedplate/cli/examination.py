"""The checks of `bedplate doctor`, each one line; a failed check never keeps others from running."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bedplate.cli.application import Application
from bedplate.cli.boundary import judge
from bedplate.cli.database import running_database
from bedplate.cli.environment import settle_environment, variable
from bedplate.cli.migrating import counted
from bedplate.cli.project import Project
from bedplate.cli.versions import library_version, release_of, template_version
from bedplate.settings import SecretUrl, ServiceSettings, load_settings

SUPPORTED_POSTGRES = range(15, 19)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    status: Literal["ok", "warn", "fail"]
    subject: str
    text: str


def examine(project: Project) -> Iterator[Finding]:
    """Check a project, one finding after the other.

    Args:
        project: what to check; its folder becomes the working directory.
    """
    project.enter()
    yield Finding("ok", "project", str(project.root))
    yield from _versions(project)
    try:
        settings_class = project.load_settings_class()
        guessed = settle_environment(settings_class)
        settings = load_settings(settings_class)
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        yield _failure("settings", error)
        return
    yield _settings(settings, guessed=guessed)
    yield _secret(settings)
    yield from _database(project, settings)
    yield _application(project)


def _versions(project: Project) -> Iterator[Finding]:
    library = library_version()
    yield Finding("ok", "bedplate", library)
    template = template_version(project.root)
    if template is None:
        yield Finding("ok", "template", "not generated from a template, as far as one can see")
    elif release_of(template) in {None, release_of(library)}:
        yield Finding("ok", "template", template)
    else:
        advice = "bring both together with: copier update, uv sync -P bedplate"
        yield Finding("warn", "template", f"{template}, library {library}; {advice}")


def _settings(settings: ServiceSettings, *, guessed: bool) -> Finding:
    environment = settings.environment.value
    if guessed:
        name = variable(type(settings), "environment")
        return Finding("warn", "settings", f"{name} is not set; taken for {environment}")
    return Finding("ok", "settings", f"valid for {environment}")


def _secret(settings: ServiceSettings) -> Finding:
    if "secret_key" in settings.model_fields_set:
        return Finding("ok", "secret key", "strong")
    return Finding("ok", "secret key", "strong; made for this machine, in .bedplate/secret_key")


def _database(project: Project, settings: ServiceSettings) -> Iterator[Finding]:
    try:
        with running_database(settings) as url:
            yield _server(asyncio.run(_server_version(url.get_secret_value())))
            yield _connections(settings, settings.database_direct_url or url)
            yield from _replica(settings, url)
            if project.migrated:
                yield _migrations(project, url.get_secret_value())
            if project.worker is not None:
                yield _jobs(url.get_secret_value())
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        yield _failure("database", error)


def _server(version: int) -> Finding:
    major = version // 10_000
    text = f"PostgreSQL {major}.{version % 10_000}"
    if major in SUPPORTED_POSTGRES:
        return Finding("ok", "database", text)
    lowest, highest = SUPPORTED_POSTGRES[0], SUPPORTED_POSTGRES[-1]
    return Finding("warn", "database", f"{text}; bedplate is tested on {lowest} to {highest}")


def _connections(settings: ServiceSettings, url: SecretUrl) -> Finding:
    from bedplate.cli.budget import budget_of

    budget = budget_of(settings, url, workers=1)
    if budget is None:
        return Finding("ok", "connections", "shared out by a pooler; count its default_pool_size")
    if not budget.fits:
        return Finding("fail", "connections", f"{budget.describe()}; {budget.advise()}")
    most = budget.most_processes
    room = "this one" if most == 1 else f"{most} of them, on all machines together"
    return Finding("ok", "connections", f"{budget.describe()}: room for {room}")


def _replica(settings: ServiceSettings, url: SecretUrl) -> Iterator[Finding]:
    if settings.database_read_url is None:
        return
    from bedplate.cli.standby import standby_trouble

    trouble = asyncio.run(standby_trouble(settings, url, settings.database_read_url))
    if trouble is None:
        yield Finding("ok", "replica", "follows the database closely")
        return
    yield Finding("warn", "replica", f"DATABASE_READ_URL is not used ({trouble})")


async def _server_version(url: str) -> int:
    from sqlalchemy import text

    from bedplate.database import Database

    async with Database(url, pool_size=1) as database, database.session() as session:
        found = await session.execute(text("SHOW server_version_num"))
        return int(found.scalar_one())


def _migrations(project: Project, url: str) -> Finding:
    from bedplate.cli.migrating import refuse_unclear
    from bedplate.migrations.status import status

    try:
        found = status(project.root, url)
        refuse_unclear(found)
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        return _failure("migrations", error)
    if found.pending:
        missing = counted(len(found.pending))
        return Finding("fail", "migrations", f"{missing} to apply; run: bedplate db upgrade")
    return Finding("ok", "migrations", f"at the newest ({', '.join(found.current) or 'none'})")


def _jobs(url: str) -> Finding:
    try:
        state = asyncio.run(_queue(url))
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        return _failure("jobs", error)
    if state is None:
        advice = "run: bedplate jobs migration, bedplate db upgrade"
        return Finding("fail", "jobs", f"the database has no tables for them; {advice}")
    waiting, dead = state
    if dead:
        return Finding("warn", "jobs", f"{dead} dead; look at them with: bedplate jobs status")
    return Finding("ok", "jobs", f"{waiting} waiting or running, none dead")


async def _queue(url: str) -> tuple[int, int] | None:
    """Give how many jobs wait or run, and how many are dead; None without tables."""
    from bedplate.database import Database
    from bedplate.jobs import JobQueue

    async with Database(url, pool_size=1) as database, database.session() as session:
        queue = JobQueue(session)
        if not await queue.has_tables():
            return None
        return sum((await queue.waiting()).values()), len(await queue.dead())


def _application(project: Project) -> Finding:
    if project.app is None:
        return Finding("warn", "application", "[tool.bedplate] names no app; serve needs one")
    try:
        Application(project)()
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding
        return _failure("application", error)
    return Finding("ok", "application", project.app)


def _failure(subject: str, error: Exception) -> Finding:
    return Finding("fail", subject, judge(error)[0])
