"""Whose seconds these are: machine time shared among the jobs that are on the machine. Pure."""

from __future__ import annotations


class Meter:
    """Divides time between those present; what passes before the first one comes is the first one's (the boot)."""

    def __init__(self, since: float) -> None:
        """`since`: when the machine began to cost, on the clock that `at` arguments use, in seconds."""
        self._last = since
        self._present: dict[str, float] = {}

    def enter(self, name: str, at: float) -> None:
        """`name` is on the machine from now on."""
        if self._present:
            self._share(at)
            self._present[name] = 0.0
        else:
            self._present[name] = max(0.0, at - self._last)
            self._last = at

    def so_far(self, name: str, at: float) -> float:
        """Seconds of `name` until now."""
        self._share(at)
        return self._present.get(name, 0.0)

    def leave(self, name: str, at: float) -> float:
        """`name` is done; returns its seconds."""
        self._share(at)
        return self._present.pop(name, 0.0)

    def _share(self, at: float) -> None:
        each = max(0.0, at - self._last) / max(1, len(self._present))
        self._last = at
        for name in self._present:
            self._present[name] += each
