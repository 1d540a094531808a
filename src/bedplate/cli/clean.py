"""`bedplate db clean`: deletes what has expired, once; a scheduler repeats it."""

from bedplate.cli.console import say
from bedplate.cli.project import find_project


def clean() -> None:
    """Delete expired sessions, tokens, API keys and counters.

    Run it once a day or so, from any instance, beside all other work.
    """
    import asyncio

    from bedplate.auth.cleanup import delete_expired
    from bedplate.cli.database import open_project
    from bedplate.database import Database

    project = find_project()
    project.enter()
    unit_of_work = project.load_unit_of_work()

    async def delete(url: str) -> dict[str, int]:
        async with Database(url, pool_size=1) as database:
            return await delete_expired(unit_of_work, database)

    with open_project(project) as opened:
        opened.ensure_migrated()
        deleted = asyncio.run(delete(opened.url.get_secret_value()))
    for table, count in deleted.items():
        say(f"{table}: {count} deleted")
    if not deleted:
        say("Nothing in this service expires.")
