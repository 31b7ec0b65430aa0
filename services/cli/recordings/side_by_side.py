"""The same done with many things at once, a few at a time."""

from __future__ import annotations

from collections import deque
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Thing = TypeVar("Thing")


class StoppedError(Exception):
    """Raised by work that has been told to stop."""


def side_by_side(work: Callable[[Thing, Event], None], things: Iterable[Thing], most: int) -> None:
    """Do the work with each of the things, `most` of them at a time; after a failure with no further one.

    The threads do not keep the program from ending.

    Args:
        work: takes a thing, and an event that is set once the work should stop.
        things: what it is done with.
        most: how many at a time.

    Raises:
        Exception: the first failure.

    """
    waiting, stop = deque(things), Event()
    failures: list[Exception] = []

    def serve() -> None:
        while not stop.is_set():
            try:
                thing = waiting.popleft()
            except IndexError:
                return
            try:
                work(thing, stop)
            except Exception as error:  # noqa: BLE001 - it is raised where it can be caught
                failures.append(error)
                stop.set()

    threads = [Thread(target=serve, daemon=True) for _ in range(min(most, len(waiting)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stop.set()
    if failures:
        raise failures[0]
