"""One sentence for an optional dependency that is not installed."""


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
