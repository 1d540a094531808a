"""A problem answered in an application's place."""

from bedplate.asgi.problems import Problem
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.context import current_context

_POLICY_VIOLATION = 1008
_DENIAL = "websocket.http.response"  # ASGI's extension; without it a refusal is a 403 to the client


async def answer_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a problem document; a websocket is refused before it is accepted.

    Args:
        problem: the answer.
        scope: the connection's.
        receive: the connection's.
        send: the connection's.
    """
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()  # that it wants to connect
        if _DENIAL not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        kind = _DENIAL
    context = current_context()
    body = problem.body(context.request_id if context else None)
    headers = problem.raw_headers(body)
    await send({"type": f"{kind}.start", "status": problem.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
