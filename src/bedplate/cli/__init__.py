"""The `bedplate` command; every heavy import waits until the command that needs it runs."""

from bedplate.cli.boundary import main

__all__ = ["main"]
