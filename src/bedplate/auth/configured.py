"""The parts of signing in, made as the settings say."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from bedplate._extras import needed_by
from bedplate.auth.api_key_text import ApiKeyFormat
from bedplate.auth.keys import Key, KeyRing, KeyState
from bedplate.auth.passwords import BcryptHasher
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.auth.session_cache import SessionCache
from bedplate.auth.settings import AuthSettings
from bedplate.auth.throttle import Limit, Limits, Throttle, ThrottleStore
from bedplate.auth.tokens import AccessTokens
from bedplate.errors import ConfigurationError

if TYPE_CHECKING:
    from bedplate.auth.argon2_passwords import Argon2Hasher, BcryptFirst
    from bedplate.auth.asymmetric_keys import Algorithm
    from bedplate.auth.breached_passwords import BreachedPasswords

_LARGEST_FILE = 65_536


def password_hasher(settings: AuthSettings) -> "BcryptHasher | Argon2Hasher | BcryptFirst":
    """Hash passwords with what is configured; verify those of the other kind too.

    Raises:
        ConfigurationError: the extra ``argon2`` is needed and not installed.
    """
    pool = {"workers": settings.hashing_workers, "queue_size": settings.hashing_queue}
    bcrypt = BcryptHasher(settings.bcrypt_rounds, **pool)
    wanted = settings.password_hash == "argon2"  # noqa: S105 - a name
    try:
        from bedplate.auth.argon2_passwords import Argon2Hasher, BcryptFirst
    except ImportError as error:
        if wanted:
            raise ConfigurationError(f"PASSWORD_HASH is argon2, but {error}.") from error
        return bcrypt
    argon2 = Argon2Hasher(
        memory=settings.argon2_memory,
        passes=settings.argon2_passes,
        former=bcrypt if wanted else None,
        **pool,
    )
    return argon2 if wanted else BcryptFirst(bcrypt, argon2)


def breach_list(settings: AuthSettings) -> "BreachedPasswords | None":
    """Give the list of breached passwords, if it is to be asked.

    Raises:
        ConfigurationError: it is, and the extra ``http`` is not installed.
    """
    if not settings.breach_check:
        return None
    with needed_by("BREACH_CHECK"):
        from bedplate.auth.breached_passwords import BreachedPasswords
    return BreachedPasswords(settings.breach_check_url)


def key_ring(settings: AuthSettings) -> KeyRing:
    """Give the keys that sign and verify access tokens.

    Raises:
        ConfigurationError: a key cannot be read, or is none for the algorithm.
    """
    algorithm = settings.token_algorithm
    if algorithm == "HS256" or settings.token_key is None:
        return KeyRing.from_secret(settings.secret_key, settings.secret_key_previous)
    keys = [_key(settings.token_key, algorithm, KeyState.ACTIVE)]
    keys += [_key(pem, algorithm, KeyState.PENDING) for pem in settings.token_keys_pending]
    keys += [_key(pem, algorithm, KeyState.RETIRING) for pem in settings.token_keys_retiring]
    return KeyRing(keys)


def access_tokens(settings: AuthSettings, keys: KeyRing, *, name: str) -> AccessTokens:
    """Issue and verify access tokens.

    Args:
        settings: say how long they are valid.
        keys: sign and verify.
        name: of the service: their issuer and their audience.
    """
    lifetime = timedelta(seconds=settings.access_token_seconds)
    return AccessTokens(keys, issuer=name, audience=name, lifetime=lifetime)


def refresh_tokens(settings: AuthSettings) -> RefreshTokens:
    """Derive refresh tokens from SECRET_KEY; recognise those of the former keys."""
    return RefreshTokens.from_secret(
        settings.secret_key,
        settings.secret_key_previous,
        idle=timedelta(days=settings.session_idle_days),
        absolute=timedelta(days=settings.session_absolute_days),
        grace=timedelta(seconds=settings.refresh_grace_seconds),
    )


def session_cache(settings: AuthSettings) -> SessionCache[Any] | None:
    """Remember principals for as long as the settings allow; None for not at all."""
    period = settings.session_cache_seconds
    return SessionCache(timedelta(seconds=period)) if period else None


def api_key_format(settings: AuthSettings) -> ApiKeyFormat:
    """Say how API keys look."""
    return ApiKeyFormat(settings.api_key_prefix)


def throttle(
    settings: AuthSettings, store: ThrottleStore, action: Literal["login", "mail"]
) -> Throttle | None:
    """Limit how often somebody may try; not at all where RATE_LIMIT_ENABLED is off.

    Args:
        settings: say how often.
        store: counts.
        action: logging in, or asking for mails.
    """
    if not settings.rate_limit_enabled:
        return None
    given = {
        name: getattr(settings, f"{action}_attempts_{name}")
        for name in ("per_network", "per_account", "per_account_and_network", "seconds")
    }
    period = timedelta(seconds=given["seconds"])
    limits = Limits(
        network=Limit(given["per_network"], period),
        account=Limit(given["per_account"], period),
        account_and_network=Limit(given["per_account_and_network"], period),
    )
    return Throttle.from_secret(store, settings.secret_key, action=action, limits=limits)


def _key(given: SecretStr, algorithm: "Algorithm", state: KeyState) -> Key:
    from bedplate.auth.asymmetric_keys import asymmetric_key

    variable = "TOKEN_KEY" if state is KeyState.ACTIVE else f"TOKEN_KEYS_{state.name}"
    text = given.get_secret_value().strip().replace("\\n", "\n")  # as many .env files have it
    if not text.startswith("-----BEGIN "):
        text = _read(Path(text), variable)
    try:
        return asymmetric_key(text, algorithm, state=state)
    except ConfigurationError as error:
        message = error.message
    raise ConfigurationError(f"{variable}: {message}")


def _read(path: Path, variable: str) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(_LARGEST_FILE)
    except (OSError, ValueError):
        pass  # what it says names the path, which may be a key that is misspelt
    raise ConfigurationError(f"{variable} is neither PEM text nor a file that can be read.")
