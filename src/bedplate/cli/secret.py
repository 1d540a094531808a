"""`bedplate secret`: one strong key."""

from bedplate.cli.console import say


def secret() -> None:
    """Print a new strong secret key, for SECRET_KEY.

    Nothing is stored: keep it where your deployment keeps its secrets.
    """
    from bedplate.secret_strength import generate_secret

    say(generate_secret())
