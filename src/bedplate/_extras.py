"""One sentence for an optional dependency that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from bedplate.errors import ConfigurationError


class MissingExtraError(ImportError):
    """A part of bedplate was imported whose optional dependency is not installed."""


def missing_extra(extra: str, package: str) -> MissingExtraError:
    """Build the error that names the extra to install.

    Args:
        extra: the name of the extra of bedplate, as in ``bedplate[extra]``.
        package: the package that could not be imported.
    """
    return MissingExtraError(
        f"{package} is not installed; install it with: pip install 'bedplate[{extra}]'"
    )


@contextmanager
def needed_by(variable: str) -> Iterator[None]:
    """Say which setting asks for what is not installed.

    Args:
        variable: the environment variable that is set.

    Raises:
        ConfigurationError: when an import inside fails, as without its extra.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(f"{variable} is set, but {error}.") from error
