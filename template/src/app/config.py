"""What the service is configured by."""

from bedplate.auth.settings import AuthSettings
from bedplate.mail import MailSettings
from bedplate.rate import Rate
from bedplate.settings import RateSetting

from app import __doc__ as name


class Settings(AuthSettings, MailSettings):
    """What every service has, and what this one adds: each field is a variable of the environment."""

    service_name: str = name or "app"
    """The title in the documentation, and who issues the access tokens."""

    rate_limit: RateSetting | None = Rate(600, 60)
    """How many requests one client address may send."""
    rate_limit_sign_up: RateSetting = Rate(60, 3600)
    """How many accounts one client address may open."""
