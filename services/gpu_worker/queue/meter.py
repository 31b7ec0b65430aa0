"""Shares the machine's time among the jobs that are on the machine. Pure."""

from __future__ import annotations


class Meter:
    """Divides time equally among those on the machine. The time before somebody comes counts for whoever comes next."""

    def __init__(self, since: float) -> None:
        """`since`: when the machine began to cost, in seconds, on the clock that the arguments `at` use."""
        self._last = since
        self._present: dict[str, float] = {}

    def enter(self, name: str, at: float) -> None:
        """Note that `name` is on the machine from `at` on."""
        if self._present:
            self.share(at)
            self._present[name] = 0.0
        else:
            self._present[name] = max(0.0, at - self._last)
            self._last = at

    def so_far(self, name: str, at: float) -> float:
        """The seconds of `name` until `at`."""
        self.share(at)
        return self._present.get(name, 0.0)

    def leave(self, name: str, at: float) -> float:
        """Note that `name` has left the machine at `at`; returns its seconds."""
        self.share(at)
        return self._present.pop(name, 0.0)

    def share(self, at: float) -> None:
        """Divide the time until `at`. While nobody is on the machine, nobody pays for it."""
        each = max(0.0, at - self._last) / max(1, len(self._present))
        self._last = at
        for name in self._present:
            self._present[name] += each
