"""One transaction over all repositories of the service."""

from bedplate.auth.mail_queue import MailQueue
from bedplate.jobs import JobQueue
from bedplate.unit_of_work import UnitOfWork, repository

from app.repositories.auth import ApiKeyRepository, OneTimeTokenRepository, SessionRepository
from app.repositories.user import UserRepository


class AppUnitOfWork(UnitOfWork):
    """One transaction and the repositories that share it."""

    jobs = repository(JobQueue)
    mails = repository(MailQueue)
    users = repository(UserRepository)
    sessions = repository(SessionRepository)
    one_time_tokens = repository(OneTimeTokenRepository)
    api_keys = repository(ApiKeyRepository)
