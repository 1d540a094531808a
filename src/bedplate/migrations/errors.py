"""What can be wrong with migrations, each in one sentence."""

from collections.abc import Sequence

from bedplate.errors import BedplateError

__all__ = ["MigrationDriftError", "MigrationError"]


class MigrationError(BedplateError):
    """The migrations cannot be read, or one of them fails."""

    code = "migration"
    default_message = "The migrations are not in order."


class MigrationDriftError(MigrationError):
    """The models say something else than the migrations."""

    code = "migration_drift"
    default_message = "The models and the migrations differ."

    def __init__(self, message: str | None = None, *, differences: Sequence[str] = ()) -> None:
        listed = f"The models and the migrations differ: {'; '.join(differences)}."
        super().__init__(message or (listed if differences else None))
        self.differences = tuple(differences)
