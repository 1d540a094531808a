"""Opening an account from the command line, through the service's own unit of work."""

from typing import Any

from bedplate.auth.configured import password_hasher
from bedplate.auth.passwords import BcryptHasher, check_password_strength
from bedplate.auth.settings import AuthSettings
from bedplate.cli.errors import CommandError, ProjectError
from bedplate.database import Database
from bedplate.errors import DuplicateError, InvalidDataError
from bedplate.settings import SecretUrl, ServiceSettings

ADMIN_ROLE = "admin"


async def create_account(
    url: SecretUrl,
    unit_of_work: Any,  # noqa: ANN401
    settings: ServiceSettings,
    *,
    email: str,
    password: str,
    admin: bool,
) -> None:
    """Store an account that may log in at once.

    Args:
        url: of the database.
        unit_of_work: the service's class, whose units have `users`, an AccountRepository.
        settings: say how passwords are hashed and how long they are, if they are AuthSettings.
        email: normalised.
        password: strong enough already.
        admin: whether it gets the role of administrators.

    Raises:
        CommandError: the address is taken, or the service wants more than these fields.
        DatabaseUnavailableError: the database does not answer.
        WeakPasswordError: the settings ask for a longer password.
    """
    if not hasattr(unit_of_work, "users"):
        raise ProjectError(
            f"{unit_of_work.__name__} (unit-of-work in [tool.bedplate]) has no repository 'users'."
        )
    if isinstance(settings, AuthSettings):
        minimum_length = settings.password_minimum_length
        check_password_strength(password, email=email, minimum_length=minimum_length)
        hasher = password_hasher(settings)
    else:
        hasher = BcryptHasher()
    try:
        password_hash = await hasher.hash(password)
    finally:
        hasher.close()
    async with Database(url, pool_size=1) as database, unit_of_work(database) as uow:
        try:
            await uow.users.add(
                uow.users.model(
                    email=email,
                    password_hash=password_hash,
                    is_verified=True,  # an operator vouches for it
                    roles=[ADMIN_ROLE] if admin else [],
                )
            )
            await uow.commit()
        except DuplicateError as error:
            raise CommandError("There is an account with this address already.") from error
        except InvalidDataError as error:
            raise CommandError(
                "The service's accounts need more than an address and a password; register through"
                " its API instead."
            ) from error
