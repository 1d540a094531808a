"""Operations for any ASGI application: request id, access record, error boundary, problem details."""

from bedplate.asgi.callers import account_of, token_subject
from bedplate.asgi.forwarded import TrustedProxies
from bedplate.asgi.headers import HTTPS_ONLY, SECURITY_HEADERS
from bedplate.asgi.idempotency import CallerOf, IdempotencyMiddleware
from bedplate.asgi.idempotency_store import FallbackIdempotencyStore, MemoryIdempotencyStore
from bedplate.asgi.operations import OperationsMiddleware, RouteResolver
from bedplate.asgi.problems import Problem, problem_for, status_problem, validation_problem
from bedplate.asgi.rate_counters import FallbackRateCounter, MemoryRateCounter
from bedplate.asgi.rate_limit import RateLimit, RateLimitMiddleware
from bedplate.asgi.request_id import RequestIdMiddleware

__all__ = [
    "HTTPS_ONLY",
    "SECURITY_HEADERS",
    "CallerOf",
    "FallbackIdempotencyStore",
    "FallbackRateCounter",
    "IdempotencyMiddleware",
    "MemoryIdempotencyStore",
    "MemoryRateCounter",
    "OperationsMiddleware",
    "Problem",
    "RateLimit",
    "RateLimitMiddleware",
    "RequestIdMiddleware",
    "RouteResolver",
    "TrustedProxies",
    "account_of",
    "problem_for",
    "status_problem",
    "token_subject",
    "validation_problem",
]
