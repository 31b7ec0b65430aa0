"""Whose turn it is on the device: turns begin in the order in which they were asked for."""

from __future__ import annotations

import threading
from types import TracebackType


class Turn:
    """A place in the order. Entered as a context it waits for its turn, and the turn ends with the context."""

    def __init__(self, order: Turns, *, apart: bool) -> None:
        self.apart = apart
        self._order = order

    def __enter__(self) -> None:
        self._order.wait(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up the place; nothing happens if the turn has ended already."""
        self._order.drop(self)


class Turns:
    """At most `workers` turns at a time; one that stays apart has the device for itself."""

    def __init__(self, workers: int, changed: threading.Condition) -> None:
        """`changed`: its lock guards the order, and it is told whenever a turn ends."""
        self._workers = workers
        self._changed = changed
        self._order: list[Turn] = []
        """The turns that are wanted or under way. Whether one may begin is known from its place alone, because all that
        were asked for before it have begun, or may."""

    @property
    def idle(self) -> bool:
        """Whether the device could do more than it was asked for so far."""
        return len(self._order) < self._workers

    def ask(self, *, apart: bool) -> Turn:
        """Take the last place in the order."""
        with self._changed:
            self._order.append(Turn(self, apart=apart))
            return self._order[-1]

    def wait(self, turn: Turn) -> None:
        """Wait until a turn may begin."""
        with self._changed:
            self._changed.wait_for(lambda: self._may_begin(turn))

    def drop(self, turn: Turn) -> None:
        """Take a turn out of the order."""
        with self._changed:
            if turn in self._order:
                self._order.remove(turn)
                self._changed.notify_all()

    def _may_begin(self, turn: Turn) -> bool:
        place = self._order.index(turn)
        apart = any(other.apart for other in self._order[: place + 1])
        return place == 0 or (place < self._workers and not apart)
