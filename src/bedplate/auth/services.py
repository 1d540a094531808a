"""All that signs people and machines in, put together from the settings."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Protocol, Self

from bedplate.auth import configured
from bedplate.auth.account_mails import AccountMails, ConfirmationUnitOfWork
from bedplate.auth.api_keys import ApiKeyRepository, ApiKeyService
from bedplate.auth.confirmation import ConfirmationService
from bedplate.auth.events import AuthListener, ignore
from bedplate.auth.letters import Letters
from bedplate.auth.models import AccountMixin
from bedplate.auth.password_policy import PasswordPolicy
from bedplate.auth.principal import EVERYBODY, Principal
from bedplate.auth.schemas import ApiKeyCreate, ApiKeyIssued
from bedplate.auth.scopes import scopes_of
from bedplate.auth.service import AuthService
from bedplate.auth.settings import AuthSettings
from bedplate.auth.throttle import ThrottleStore
from bedplate.errors import NotFoundError
from bedplate.mail import Mailer


class AuthServicesUnitOfWork[U: AccountMixin](ConfirmationUnitOfWork[U], Protocol):
    """The unit of work of a service, as far as all of it needs it."""

    @property
    def api_keys(self) -> ApiKeyRepository[U, Any]:
        """The keys of machines."""
        ...


class AuthServices[U: AccountMixin]:
    """The services behind the routes of a service that signs people in; they live as long as it.

    A service says what its roles may do::

        class Auth(AuthServices[User]):
            role_scopes = {"admin": {"admin"}}

        async with Auth(settings, unit_of_work, store=store, mailer=mailer, name="shop") as auth:
            principal = await auth.authenticate(token)

    Args:
        settings: the service's.
        unit_of_work: makes a new unit of work.
        store: counts attempts.
        mailer: sends mails.
        name: of the service: in mails, and the issuer of access tokens.
        listener: told how each attempt to sign in ended, such as ``Metrics.auth``.

    Raises:
        ConfigurationError: a key or a setting is not acceptable.
    """

    role_scopes: ClassVar[Mapping[str, Collection[str]]] = {}
    """The scopes that each role brings, besides those of everybody."""

    def __init__(
        self,
        settings: AuthSettings,
        unit_of_work: Callable[[], AuthServicesUnitOfWork[U]],
        *,
        store: ThrottleStore,
        mailer: Mailer,
        name: str,
        listener: AuthListener = ignore,
    ) -> None:
        self.unit_of_work = unit_of_work
        self.keys = configured.key_ring(settings)
        self.hasher = configured.password_hasher(settings)
        self._breaches = configured.breach_list(settings)
        self.policy = PasswordPolicy(
            minimum_length=settings.password_minimum_length, breaches=self._breaches
        )
        self.confirmation: ConfirmationService[U] = ConfirmationService(
            unit_of_work,
            self.hasher,
            mailer,
            Letters(name, site=settings.site_url),
            throttle=configured.throttle(settings, store, "mail"),
            policy=self.policy,
        )
        self.service: AuthService[U] = AuthService(
            unit_of_work,
            self.hasher,
            configured.access_tokens(settings, self.keys, name=name),
            configured.refresh_tokens(settings),
            throttle=configured.throttle(settings, store, "login"),
            policy=self.policy,
            verified_only=settings.verified_only,
            cache=configured.session_cache(settings),
            notify=self.confirmation.tell_password_changed,
            listener=listener,
        )
        self.api_keys: ApiKeyService[U] = ApiKeyService(
            unit_of_work,
            configured.api_key_format(settings),
            at_most=settings.api_keys_per_account,
        )

    @property
    def mails(self) -> AccountMails[U]:
        """What sends mails about accounts, for the worker that includes ``account_mails``."""
        return self.confirmation.mails

    async def authenticate(self, token: str) -> Principal[U]:
        """Give the principal of an access token or an API key.

        Args:
            token: what stood behind ``Bearer``.

        Raises:
            InvalidTokenError: for every flaw alike.
        """
        if self.api_keys.recognises(token):
            account, _, scopes = await self.api_keys.authenticate(token)
            return Principal(account, self._permissions(account), scopes, None)
        account, claims = await self.service.authenticate(token)
        # a token that names scopes is held to them; those of a session name none
        return Principal(account, self._permissions(account), claims.scopes or None, claims)

    async def issue_api_key(self, principal: Principal[U], new: ApiKeyCreate) -> ApiKeyIssued:
        """Make a key that acts for the caller, within the scopes that the caller has.

        Raises:
            InsufficientScopeError: an API key asks for another one, or for more than its account may.
            InvalidDataError: a scope is malformed.
            ConflictError: the account has as many keys as it may have, or was changed meanwhile.
        """
        account, claims = principal.demand_person()
        return await self.api_keys.issue(
            account.id,
            new.name,
            version=claims.version,
            scopes=new.scopes,
            allowed=principal.permissions,
            lifetime=None if new.days is None else timedelta(days=new.days),
        )

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        """Give the JSON Web Key Set for ``/.well-known/jwks.json``.

        Raises:
            NotFoundError: a shared secret signs; it has nothing to show.
        """
        if self.keys.active.is_symmetric:
            raise NotFoundError(resource="Key set")
        from bedplate.auth.asymmetric_keys import key_set

        return key_set(self.keys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.confirmation.finish()
        self.hasher.close()
        if self._breaches is not None:
            await self._breaches.close()

    def _permissions(self, account: U) -> frozenset[str]:
        return EVERYBODY | scopes_of(account, self.role_scopes)
