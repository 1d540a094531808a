"""Sessions that raise domain errors from their flushes too."""

from collections.abc import Sequence
from typing import Any, override

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bedplate.errors import StaleError

__all__ = ["DomainSession"]


class DomainSession(Session):
    """A session whose flush, whoever causes it, raises StaleError for a row that has changed.

    ``Database`` makes its sessions of it; for one of your own say
    ``AsyncSession(engine, sync_session_class=DomainSession)``.
    """

    @override
    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Send what has changed.

        Raises:
            StaleError: when a row that is to be changed or deleted has another version by now, or
                is gone.
        """
        try:
            super().flush(objects)
        except StaleDataError as error:
            raise StaleError from error
