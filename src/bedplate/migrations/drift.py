"""Differences between models and migrations, each in a few words."""

from collections.abc import Iterable
from typing import Any

__all__ = ["describe_differences"]


def describe_differences(differences: Iterable[Any]) -> list[str]:
    """Name each difference that Alembic found, such as ``add column users.nickname``."""
    described = []
    for difference in differences:
        # What changes in one column comes as a list of its own.
        parts = difference if isinstance(difference, list) else [difference]
        described += [_describe(*part) for part in parts]
    return described


def _describe(operation: str, *facts: Any) -> str:  # noqa: ANN401
    action = operation.replace("_", " ")
    if operation.endswith("_table"):
        return f"{action} {facts[0].name}"
    if operation.endswith("_column"):
        return f"{action} {facts[1]}.{facts[2].name}"
    if operation.startswith("modify_") and len(facts) > 2:  # noqa: PLR2004
        return f"{action} {facts[1]}.{facts[2]}"
    name = getattr(facts[0], "name", None) if facts else None
    return f"{action} {name}" if name else action
