"""Access tokens verified per second beside bare PyJWT: interleaved rounds, medians."""

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import jwt

from bedplate.auth.keys import KeyRing, generate_secret
from bedplate.auth.tokens import AccessTokens

GOAL = 0.75


def per_second(verify: Callable[[], object], calls: int) -> float:
    begin = perf_counter()
    for _ in range(calls):
        verify()
    return calls / (perf_counter() - begin)


def measure(rounds: int, calls: int) -> dict[str, float]:
    secret = generate_secret()
    tokens = AccessTokens(
        KeyRing.from_secret(secret), issuer="https://a.example", audience="orders"
    )
    token = tokens.issue(uuid4(), uuid4(), 1, ("orders:read", "orders:write")).token
    key = secret.encode()

    def bare() -> object:
        return jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            issuer="https://a.example",
            audience="orders",
            options={"require": ["exp", "iat", "sub"]},
        )

    def ours() -> object:
        return tokens.verify(token)

    speeds: dict[str, list[float]] = {"bare PyJWT": [], "AccessTokens.verify": []}
    for _ in range(rounds):
        speeds["bare PyJWT"].append(per_second(bare, calls))
        speeds["AccessTokens.verify"].append(per_second(ours, calls))
    return {name: statistics.median(values) for name, values in speeds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds (default 15)")
    parser.add_argument("--calls", type=int, default=2000, help="calls a round (default 2000)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="few rounds, as in CI")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.calls = 3, 500
    medians = measure(options.rounds, options.calls)
    ratio = medians["AccessTokens.verify"] / medians["bare PyJWT"]
    print(
        f"Python {platform.python_version()}, PyJWT {jwt.__version__}, {platform.machine()}, HS256"
    )
    for name, speed in medians.items():
        print(f"{name:<20} {speed:>10,.0f} tokens a second")
    print(f"{'ratio':<20} {ratio:>10.2f} (goal: at least {GOAL})")
    if options.json:
        options.json.write_text(json.dumps(medians | {"ratio": ratio}, indent=2) + "\n")
    if ratio < GOAL / 2:  # far beyond noise
        sys.exit(1)


if __name__ == "__main__":
    main()
