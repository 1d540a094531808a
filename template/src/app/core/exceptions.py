"""The service's own domain errors; the library's table gives them the status of their parents."""

from bedplate.errors import ConflictError, DuplicateError


class EmailTakenError(DuplicateError):
    """Another account has this address."""

    code = "email_taken"
    default_message = "An account with this e-mail address exists already."


class LastAdministratorError(ConflictError):
    """Without this account nobody could administer the service."""

    code = "last_administrator"
    default_message = "The last active administrator must stay one."
