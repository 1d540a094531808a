"""A worker that writes down which numbers it was given: `python job_worker.py URL`, to be killed."""

import asyncio
import signal
import sys
from datetime import timedelta

from sqlalchemy import text

from bedplate.database import Database
from bedplate.jobs import Jobs, Worker

jobs: Jobs[Database] = Jobs()


@jobs.job("write_down")
async def write_down(number: int, database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("INSERT INTO done VALUES (:number)"), {"number": number})
        await session.commit()


async def main(url: str) -> None:
    worker = Worker(
        jobs, url, lambda: Database(url), concurrency=20, heartbeat=timedelta(seconds=1)
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
