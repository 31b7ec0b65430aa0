"""An account of the answers that the process with the model still owes: it tells whether the process hangs and, if it
ends, which calls may be the cause. Pure, apart from the clock that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.gpu_worker.engine.processes.messages import LOADING

LOAD_SECONDS = 600.0
"""How long loading a model may take; the blocks of an image are slow at their first read."""
STOP_LIMIT_SECONDS = 15.0
"""How long the answer to a stop may take; it usually takes a fraction of a second, whatever the device does."""
SLACK = 10.0
"""How many times its expected time a batch may take: the speed is that of one short clip, without other work."""


@dataclass(frozen=True, slots=True)
class _Batch:
    calls: frozenset[int]
    seconds: float
    since: float


@dataclass
class Account:
    """Has to be told of every call, answer and batch."""

    clock: Callable[[], float]
    """A monotonic clock, in seconds."""
    patience_seconds: float
    """How many seconds any answer may take, beyond the time that its audio takes."""
    speed: float = 0.2
    """The device's speed, in seconds of audio a second; a low one is assumed until it has been measured."""
    _owed: dict[int, int] = field(default_factory=dict)
    _stopped_at: dict[int, float] = field(default_factory=dict)
    _batches: dict[int, _Batch] = field(default_factory=dict)
    _silent_since: float = 0.0

    def opened(self, call: int) -> None:
        """Note that a call was made; no answer is owed to it yet."""
        self._owed[call] = 0

    def asked(self, call: int) -> None:
        """Note that one more answer is owed to a call, unless it has had its last."""
        if call in self._owed:
            if not any(self._owed.values()):
                self._silent_since = self.clock()
            self._owed[call] += 1

    def told_to_stop(self, call: int) -> None:
        """Note that a call was told to stop, unless it has ended."""
        if call in self._owed:
            self._stopped_at[call] = self.clock()

    def answered(self, call: int, *, last: bool) -> None:
        """Note that an answer to a call has arrived; `last`: whether it ends the call."""
        self._silent_since = self.clock()
        if last:
            self._owed.pop(call, None)
            self._stopped_at.pop(call, None)
        elif self._owed.get(call):
            self._owed[call] -= 1

    def begun(self, batch: int, calls: frozenset[int], seconds: float) -> None:
        """Note that the device has begun a batch of so many seconds of audio for these calls."""
        self._silent_since = self.clock()
        self._batches[batch] = _Batch(calls, seconds, self._silent_since)

    def ended(self, batch: int) -> None:
        """Note that a batch has ended."""
        self._silent_since = self.clock()
        self._batches.pop(batch, None)

    def overdue(self) -> str | None:
        """Why the process is considered to hang, as a part of a sentence; None if it is not."""
        now = self.clock()
        if any(now - at > STOP_LIMIT_SECONDS for at in self._stopped_at.values()):
            return f"a stop was not answered in {STOP_LIMIT_SECONDS:g} s"
        for batch in self._batches.values():
            limit = self.patience_seconds + SLACK * batch.seconds / self.speed
            if now - batch.since > limit:
                return f"a batch took more than {limit:.0f} s"
        if self._batches or not any(self._owed.values()):
            return None
        limit = LOAD_SECONDS if self._owed.get(LOADING) else self.patience_seconds
        return f"nothing was answered in {limit:.0f} s" if now - self._silent_since > limit else None

    def suspects(self) -> frozenset[int]:
        """The calls that the process was working for when its last message arrived."""
        if self._batches:
            return frozenset(call for batch in self._batches.values() for call in batch.calls)
        return frozenset(call for call, count in self._owed.items() if count)
