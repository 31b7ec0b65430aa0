"""The same done with many things at once, a few at a time: until all is done, or while another thread goes on."""

from __future__ import annotations

from collections import deque
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Thing = TypeVar("Thing")
Found = TypeVar("Found")


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


class Inbox:
    """What threads hand in, for the one thread that changes and prints things."""

    def __init__(self) -> None:
        self._handed_in: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def hand_in(self, take: Callable[[], None]) -> None:
        """Give what the thread that takes in should do. Any thread may call this."""
        self._handed_in.put(take)

    def take_in(self, seconds: float) -> None:
        """Do all that was handed in; wait so long for the first."""
        try:
            take = self._handed_in.get(timeout=seconds)
        except Empty:
            return
        while True:
            take()
            try:
                take = self._handed_in.get_nowait()
            except Empty:
                return


class Errands(Generic[Thing, Found]):
    """Work that waits for others, done in threads while the thread that gives it goes on.

    The threads do not keep the program from ending.
    """

    def __init__(
        self,
        work: Callable[[Thing], Found],
        took: Callable[[Thing, Found | Exception], None],
        *,
        most: int,
        inbox: Inbox,
    ) -> None:
        """Take what is done.

        Args:
            work: takes a thing; a thread runs it.
            took: takes the thing, and what was found or went wrong; whoever empties the inbox runs it.
            most: how many at a time.
            inbox: where what was found is handed in, in the order in which it is found.

        """
        self._work, self._took, self._most, self._inbox = work, took, most, inbox
        self._waiting: deque[Thing] = deque()
        self._threads = 0
        self._lock = Lock()

    @property
    def are_under_way(self) -> bool:
        """Whether a thread may be at one."""
        return self._threads > 0

    def give(self, thing: Thing) -> None:
        """Have the work done with a further thing, once those before it are done or under way."""
        with self._lock:
            self._waiting.append(thing)
            if self._threads == self._most:
                return
            self._threads += 1
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                thing = self._waiting.popleft()
            found: Found | Exception
            try:
                found = self._work(thing)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on, and it is told where it is taken
                found = error
            self._inbox.hand_in(partial(self._took, thing, found))
