"""So many in so long, as settings write it: ``600/minute``, ``10/15 minutes``."""

import re
from dataclasses import dataclass

from bedplate.errors import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN = re.compile(
    r"(\d{1,9}) ?(?:/|per) ?(\d{1,6})? ?(s|sec|second|m|min|minute|h|hour|d|day)s?", re.ASCII
)
_LONGEST = 366 * 86400


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds.

    Args:
        amount: at least 1.
        seconds: at least 1, at most a year.

    Raises:
        ConfigurationError: it is less or more.
    """

    amount: int
    seconds: int

    def __post_init__(self) -> None:
        if self.amount < 1 or not 1 <= self.seconds <= _LONGEST:
            raise ConfigurationError("A rate is at least one in a second to a year.")

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read ``600/minute``, ``10/15 minutes``, ``5 per 30s``.

        Raises:
            ConfigurationError: it is not of this form.
        """
        found = _WRITTEN.fullmatch(text.strip().lower())
        if found is None:
            raise ConfigurationError("A rate is written as 600/minute or 10/15 minutes.")
        amount, periods, unit = found.groups()
        return cls(int(amount), int(periods or 1) * _UNITS[unit[0]])

    def __str__(self) -> str:
        return f"{self.amount}/{self.seconds}s"
