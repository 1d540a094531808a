"""Whether what DATABASE_READ_URL names is a standby that answers."""

import asyncio

from bedplate.settings import SecretUrl, ServiceSettings

_LOOKS = 8


async def standby_trouble(
    settings: ServiceSettings, primary: SecretUrl, standby: SecretUrl
) -> str | None:
    """Give what keeps a standby from answering, as the service's log names it; None if nothing does.

    Args:
        settings: the service's.
        primary: the way to the primary.
        standby: the way to the standby.
    """
    from bedplate.database.standby_watch import StandbyWatch
    from bedplate.database.url import parse_url

    lag = settings.database_read_lag
    watch = StandbyWatch(parse_url(primary), parse_url(standby), lag=lag, renew=_nothing)
    try:
        for _ in range(_LOOKS):  # the last is more than the lag after the first
            if await watch.is_close():
                return None
            if watch.trouble is not None:
                return watch.trouble
            await asyncio.sleep(lag / 4)
    finally:
        await watch.close()
    return "lagging"


async def _nothing() -> None:
    """There are no readers."""
