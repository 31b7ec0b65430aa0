"""What the process that holds the model owes its callers: from that follows whether it hangs, and whose fault its death
is. Pure, but for the clock it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.gpu_worker.engine.processes.messages import LOADING

LOAD_SECONDS = 600.0
"""A model's first touch may be slow, block by block out of an image."""
STOP_LIMIT_SECONDS = 15.0
"""A stop is answered within a fraction of a second, whatever the device does."""
SLACK = 10.0
"""How many times as long as it should take a batch may take: the speed is that of a short clip, and others compute."""


@dataclass(frozen=True, slots=True)
class _Batch:
    calls: frozenset[int]
    seconds: float
    since: float


@dataclass
class Account:
    """Told of everything that is asked and answered."""

    clock: Callable[[], float]
    """Seconds, monotonic."""
    patience_seconds: float
    """What any answer may take, beside the audio that is asked for."""
    speed: float = 0.2
    """Seconds of audio a second that this device computes at least."""
    _owed: dict[int, int] = field(default_factory=dict)
    _told: dict[int, float] = field(default_factory=dict)
    _batches: dict[int, _Batch] = field(default_factory=dict)
    _heard: float = 0.0

    def opened(self, call: int) -> None:
        """A call is made; nothing is owed to it yet."""
        self._owed[call] = 0

    def asked(self, call: int) -> None:
        """One more answer is owed to this call, unless it has had its last."""
        if call in self._owed:
            if not any(self._owed.values()):
                self._heard = self.clock()
            self._owed[call] += 1

    def told_to_stop(self, call: int) -> None:
        """This call is to end, unless it has ended."""
        if call in self._owed:
            self._told[call] = self.clock()

    def answered(self, call: int, *, last: bool) -> None:
        """An answer has come."""
        self._heard = self.clock()
        if last:
            self._owed.pop(call, None)
            self._told.pop(call, None)
        elif self._owed.get(call):
            self._owed[call] -= 1

    def begun(self, batch: int, calls: frozenset[int], seconds: float) -> None:
        """The device computes, for these calls, so many seconds of audio."""
        self._heard = self.clock()
        self._batches[batch] = _Batch(calls, seconds, self._heard)

    def ended(self, batch: int) -> None:
        """It has done with that."""
        self._heard = self.clock()
        self._batches.pop(batch, None)

    def overdue(self) -> str | None:
        """Why the process is taken for hung; None while it is not."""
        now = self.clock()
        if any(now - told > STOP_LIMIT_SECONDS for told in self._told.values()):
            return f"a stop was not answered in {STOP_LIMIT_SECONDS:g} s"
        for batch in self._batches.values():
            limit = self.patience_seconds + SLACK * batch.seconds / self.speed
            if now - batch.since > limit:
                return f"a batch took more than {limit:.0f} s"
        if self._batches or not any(self._owed.values()):
            return None
        limit = LOAD_SECONDS if self._owed.get(LOADING) else self.patience_seconds
        return f"nothing was answered in {limit:.0f} s" if now - self._heard > limit else None

    def suspects(self) -> frozenset[int]:
        """For which calls it was at work when it was last heard of."""
        if self._batches:
            return frozenset(call for batch in self._batches.values() for call in batch.calls)
        return frozenset(call for call, count in self._owed.items() if count)
