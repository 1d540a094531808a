"""What a new password must fulfil: the offline checks, and the list of breached ones if there is one."""

from typing import Protocol

from bedplate.auth.password_strength import MINIMUM_LENGTH, check_password_strength
from bedplate.errors import WeakPasswordError


class BreachList(Protocol):
    """Who knows which passwords have been stolen somewhere."""

    async def contains(self, password: str) -> bool:
        """Tell whether a password is known from a breach; False if nobody can tell now."""
        ...


class PasswordPolicy:
    """Refuses new passwords that are guessed early.

    Args:
        minimum_length: in characters; NIST asks for 15 where a password is the only factor.
        breaches: asked last, about passwords that pass otherwise; None asks nobody.
    """

    def __init__(
        self, *, minimum_length: int = MINIMUM_LENGTH, breaches: BreachList | None = None
    ) -> None:
        self._minimum_length = minimum_length
        self._breaches = breaches

    async def check(
        self, password: str, *, email: str | None = None, field: str = "password"
    ) -> None:
        """Let only acceptable passwords pass; it may take a while: hold no connection.

        Args:
            password: the new password.
            email: the address of the account, which the password must not repeat.
            field: how the client calls it.

        Raises:
            WeakPasswordError: it is not acceptable.
        """
        try:
            check_password_strength(password, email=email, minimum_length=self._minimum_length)
        except WeakPasswordError as error:
            error.field = field
            raise
        if self._breaches is not None and await self._breaches.contains(password):
            raise WeakPasswordError("The password is known from a data breach.", field=field)
