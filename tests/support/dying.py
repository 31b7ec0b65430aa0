"""A process that is gone at one of its calls of DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from tests.crash.faults import Crash
from tests.support.world import World

When = Literal["before", "after"]


@contextmanager
def dying(world: World, at: int, when: When) -> Iterator[list[str]]:
    """The process is gone before it makes this call of DynamoDB, or before it hears of its success."""
    made: list[str] = []

    def call(event_name: str, **_: Any) -> None:
        made.append(event_name)
        if len(made) == at + 1 and event_name.startswith(when):
            raise Crash

    def before(event_name: str, **_: Any) -> None:
        if when == "before":
            call(event_name)

    def after(event_name: str, **_: Any) -> None:
        if when == "after":
            call(event_name)

    events = world.dynamodb.meta.events
    events.register("before-call", before)
    events.register("after-call", after)
    try:
        yield made
    finally:
        events.unregister("before-call", before)
        events.unregister("after-call", after)
