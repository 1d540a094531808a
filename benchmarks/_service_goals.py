"""What the generated service is to reach beside the hand-written ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from _service_contenders import BEST, OURS, TUTORIAL
from _service_table import ratio, start

START_SECONDS = 1.5
MEMORY_MIB = 120
AHEAD_OF_TUTORIAL = 1.3
_FAR = 2.0  # times as much processor as the best practice: no noise of a machine does that


def missed(figures: Mapping[str, Any]) -> Iterator[str]:
    """Tell which goals are missed, by processor time: the wall clock has the neighbours in it."""
    for operation in figures["operations"]:
        as_much = ratio(figures, operation, OURS, BEST, "cpu_us")
        if as_much > 1:
            yield f"{operation} takes {as_much:.2f} x the processor of the best practice"
    for operation in figures["operations"]:
        if operation == "create" or operation.startswith("list"):
            ahead = ratio(figures, operation, TUTORIAL, OURS, "cpu_us")
            if ahead < AHEAD_OF_TUTORIAL:
                yield f"{operation} is {ahead:.2f} x as cheap as the tutorial style"
    if (seconds := start(figures, OURS)) > START_SECONDS:
        yield f"it starts in {seconds:.2f} s"
    if (memory := figures["memory"][OURS]["pss"]) > MEMORY_MIB:
        yield f"it takes {memory:.0f} MiB"


def is_far_off(figures: Mapping[str, Any]) -> bool:
    """Tell whether something is wrong, and not only measured on a busy machine."""
    return figures["memory"][OURS]["pss"] > 1.5 * MEMORY_MIB or any(
        ratio(figures, operation, OURS, BEST, "cpu_us") > _FAR
        for operation in figures["operations"]
    )
