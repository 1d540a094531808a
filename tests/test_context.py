"""bedplate.context"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from bedplate.context import RequestContext, bind, current_context, identify, request_context


def test_what_a_request_binds_is_seen_through_its_context() -> None:
    with request_context(RequestContext("request-1")) as context:
        bind(order=5)
        identify("user-1")
    assert (context.fields, context.principal) == ({"order": 5}, "user-1")


async def test_a_child_task_and_a_thread_share_the_context() -> None:
    with request_context(RequestContext("request-1")) as context:

        async def child() -> None:
            bind(from_task=1)

        await asyncio.create_task(child())
        await asyncio.to_thread(bind, from_thread=2)
    assert context.fields == {"from_task": 1, "from_thread": 2}


@pytest.mark.unhappy
def test_binding_outside_of_a_request_does_nothing() -> None:
    bind(order=5)
    identify("user-1")
    assert current_context() is None


@pytest.mark.unhappy
def test_the_context_ends_with_the_block_even_by_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"), request_context(RequestContext("request-1")):
        raise ValueError("wrong")
    assert current_context() is None


@pytest.mark.unhappy
def test_a_new_context_knows_nothing_of_the_last_one() -> None:
    with request_context(RequestContext("request-1")):
        bind(order=5)
    with request_context(RequestContext("request-2")) as context:
        assert (context.fields, context.principal, context.error_type) == ({}, None, None)


@pytest.mark.unhappy
def test_requests_that_run_together_do_not_see_each_other() -> None:
    def handle(number: int) -> dict[str, object]:
        with request_context(RequestContext(f"request-{number}")) as context:
            bind(number=number)
            return context.fields

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda number: copy_context().run(handle, number), range(50))
    assert list(found) == [{"number": number} for number in range(50)]
