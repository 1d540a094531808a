"""What is told of each attempt to sign in, and how it is counted."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bedplate.auth.events import AuthEvent, ignore
from bedplate.auth.keys import generate_secret
from bedplate.auth.throttle import Limit, Limits, Throttle
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.errors import InvalidCredentialsError, InvalidGrantError, ThrottledError
from bedplate.metrics import Metrics
from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.prometheus import PrometheusBackend

if TYPE_CHECKING:
    from tests.auth.conftest import World

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"


@pytest.fixture
def heard() -> list[AuthEvent]:
    return []


@pytest.fixture
def service(world: "World", heard: list[AuthEvent]) -> Any:
    return world.serve(listener=heard.append)


async def test_a_login_and_its_refreshes_are_told(
    world: "World", service: Any, heard: list[AuthEvent]
) -> None:
    await world.register()
    pair = await service.log_in(EMAIL, PASSWORD)
    await service.refresh(pair.refresh_token)
    await service.refresh(pair.refresh_token)  # within the grace period: the same again
    assert heard == [AuthEvent.LOGIN_SUCCEEDED, *[AuthEvent.REFRESH_SUCCEEDED] * 2]


@pytest.mark.unhappy
async def test_every_refusal_of_a_login_is_the_same_event(
    world: "World", service: Any, heard: list[AuthEvent]
) -> None:
    await world.register()
    await world.register("bob@example.com", is_active=False)
    for email, password in (
        (EMAIL, "wrong"),
        ("bob@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
    ):
        with pytest.raises(InvalidCredentialsError):
            await service.log_in(email, password)
    assert Counter(heard) == {AuthEvent.LOGIN_REFUSED: 3}


@pytest.mark.unhappy
async def test_an_attempt_beyond_the_limit_is_throttled_and_not_refused(
    world: "World", heard: list[AuthEvent]
) -> None:
    one = Limits(network=Limit(1, timedelta(hours=1)))
    throttle = Throttle.from_secret(
        LimitsThrottleStore(), generate_secret(), action="log in", limits=one
    )
    service = world.serve(listener=heard.append, throttle=throttle)
    for expected in (InvalidCredentialsError, ThrottledError):
        with pytest.raises(expected):
            await service.log_in(EMAIL, PASSWORD, address="203.0.113.7")
    assert heard == [AuthEvent.LOGIN_REFUSED, AuthEvent.LOGIN_THROTTLED]


@pytest.mark.unhappy
async def test_reuse_of_a_refresh_token_is_told_apart_from_a_token_that_is_unknown(
    world: "World", service: Any, heard: list[AuthEvent]
) -> None:
    await world.register()
    pair = await service.log_in(EMAIL, PASSWORD)
    await service.refresh(pair.refresh_token)
    await world.age(seconds=11)
    heard.clear()
    for token in (pair.refresh_token, "unknown", pair.refresh_token):
        with pytest.raises(InvalidGrantError):
            await service.refresh(token)
    assert heard == [
        AuthEvent.REFRESH_REUSED,
        AuthEvent.REFRESH_REFUSED,
        AuthEvent.REFRESH_REFUSED,  # its session was ended, which is told once
    ]


def test_metrics_count_what_they_are_told() -> None:
    metrics = Metrics(PrometheusBackend())
    for event in [*AuthEvent, AuthEvent.LOGIN_REFUSED]:
        metrics.auth(event)
        ignore(event)
        Metrics(None).auth(event)
    assert isinstance(metrics.backend, PrometheusBackend)
    found = {
        (sample.name, sample.labels["outcome"]): sample.value
        for family in exposed_registry(metrics.backend).collect()
        for sample in family.samples
        if sample.name.startswith("bedplate_auth")
    }
    logins, refreshes = "bedplate_auth_logins_total", "bedplate_auth_refreshes_total"
    assert found == {
        (logins, "succeeded"): 1,
        (logins, "refused"): 2,
        (logins, "throttled"): 1,
        (refreshes, "succeeded"): 1,
        (refreshes, "refused"): 1,
        (refreshes, "reused"): 1,
    }


@pytest.mark.unhappy
async def test_no_event_names_anybody(world: "World", service: Any, heard: list[AuthEvent]) -> None:
    await world.register()
    await service.log_in(EMAIL, PASSWORD)
    assert "ada" not in "".join(heard)
