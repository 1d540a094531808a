"""What signing in is configured by; each limit and lifetime is a variable of the environment."""

from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from bedplate.settings import CommaSeparated, ServiceSettings

_QUARTER_OF_AN_HOUR = 900


class AuthSettings(ServiceSettings):
    """What every service has, and what one adds that signs people in."""

    password_hash: Literal["bcrypt", "argon2"] = "bcrypt"  # noqa: S105 - a name
    """What new passwords are hashed with; the other kind is verified too, and made anew at login."""
    bcrypt_rounds: int = Field(default=12, ge=4, le=20)
    """The logarithm of what hashing a password with bcrypt costs; tests take 4."""
    argon2_memory: int = Field(default=19_456, ge=8192, le=4_194_304)
    """KiB that one Argon2 hash takes."""
    argon2_passes: int = Field(default=2, ge=1, le=100)
    """How often Argon2 goes over them."""
    hashing_workers: int = Field(default=1, ge=1, le=64)
    """How many passwords are hashed at once; each keeps one core busy."""
    hashing_queue: int = Field(default=32, ge=0, le=10_000)
    """How many more may wait; beyond them a login is a 503."""

    password_minimum_length: int = Field(default=12, ge=8, le=128)
    """How many characters a new password has at least."""
    breach_check: bool = False
    """Whether new passwords are looked up in a list of breached ones; takes the extra ``http``."""
    breach_check_url: str = Field(default="https://api.pwnedpasswords.com", pattern=r"^https?://")
    """Who has the list, as ``/range/{prefix}``; a mirror will do."""

    token_algorithm: Literal["HS256", "ES256", "RS256", "EdDSA"] = "HS256"  # noqa: S105 - a name
    """What signs access tokens: HS256 takes SECRET_KEY, the others a key pair."""
    token_key: SecretStr | None = None
    """The private key that signs, as PEM text or as the path of a file with it."""
    token_keys_pending: CommaSeparated[SecretStr] = ()
    """Keys that will sign, and verify already: PEM texts or paths, private or public."""
    token_keys_retiring: CommaSeparated[SecretStr] = ()
    """Keys that signed, and still verify."""
    access_token_seconds: int = Field(default=600, ge=1, le=600)
    """How long an access token is valid."""
    session_idle_days: int = Field(default=14, ge=1, le=3650)
    """How long a refresh token is valid."""
    session_absolute_days: int = Field(default=90, ge=1, le=3650)
    """How long a session lasts, however often it is refreshed."""
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    """How long after its use a refresh token is answered with the same successor again."""
    session_cache_seconds: float = Field(default=0, ge=0, le=60)
    """How long a request may rely on an earlier look-up of its session; 0 looks up each time."""
    verified_only: bool = False
    """Whether an address must be verified before its account signs in."""

    login_attempts_per_network: int = Field(default=100, ge=1)
    """Failed logins of one client address in each period, whatever the account."""
    login_attempts_per_account: int = Field(default=50, ge=1)
    """Failed logins to one account, from wherever."""
    login_attempts_per_account_and_network: int = Field(default=10, ge=1)
    """Failed logins to one account from one client address."""
    login_attempts_seconds: int = Field(default=_QUARTER_OF_AN_HOUR, ge=1)
    """The period that the three count in."""
    mail_attempts_per_network: int = Field(default=100, ge=1)
    """Mails that one client address may ask for in each period."""
    mail_attempts_per_account: int = Field(default=50, ge=1)
    """Mails to one address, whoever asks."""
    mail_attempts_per_account_and_network: int = Field(default=10, ge=1)
    """Mails to one address that one client address may ask for."""
    mail_attempts_seconds: int = Field(default=_QUARTER_OF_AN_HOUR, ge=1)
    """The period that the three count in."""

    api_key_prefix: str = Field(default="key", pattern=r"^[a-z][a-z0-9]{1,15}$")
    """What API keys begin with; keys of another prefix are not recognised."""
    api_keys_per_account: int = Field(default=50, ge=1)
    """How many live API keys one account may have."""

    site_url: str | None = Field(default=None, pattern=r"^https?://")
    """Where the pages are that links in mails open; None puts the bare token into mails."""

    @field_validator("token_key")
    @classmethod
    def _check_token_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and info.data.get("token_algorithm", "HS256") != "HS256":
            raise PydanticCustomError("setting", "is missing: TOKEN_ALGORITHM takes a key pair")
        return key

    @field_validator("token_key", "token_keys_pending", "token_keys_retiring")
    @classmethod
    def _check_kind[T](cls, given: T, info: ValidationInfo) -> T:
        if given and info.data.get("token_algorithm") == "HS256":
            raise PydanticCustomError("setting", "is set, but TOKEN_ALGORITHM is HS256")
        return given

    @field_validator("session_absolute_days")
    @classmethod
    def _check_absolute(cls, days: int, info: ValidationInfo) -> int:
        if days < info.data.get("session_idle_days", 0):
            raise PydanticCustomError("setting", "is less than SESSION_IDLE_DAYS")
        return days
