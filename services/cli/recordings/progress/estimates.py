"""How long something will take still, and how fast it goes: numbers that stand still, fall, or say why not. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from services.cli.printing import IN_SECONDS_UNTIL, duration

TOLERATED_SECONDS, TOLERATED_SHARE = 5.0, 0.25
"""By how much a new estimate may be later than the countdown, without being told of."""
MOMENT_SECONDS = 3.0
"""So long after its end a countdown says nothing yet: looks are some seconds apart."""
WINDOW_SECONDS = 5.0
"""Of an upload, whose speed is shown."""


@dataclass(kw_only=True)
class Countdown:
    """The time until a text is there, from estimates that come every few seconds.

    Between them it counts down. Within one stage it does not grow without saying so: it says that this takes longer
    than expected.
    """

    _stage: str = ""
    _until: float | None = None
    _late: bool = False

    def see(self, stage: str, seconds: float | None, now: float) -> None:
        """Take in an estimate.

        Args:
            stage: of the job; after a change, an estimate may be anything.
            seconds: until the text is there; None: nothing tells.
            now: seconds of a clock that only goes forward.

        """
        if stage != self._stage or seconds is None or self._until is None:
            self._late = self._late and stage == self._stage
            self._stage = stage
            self._until = None if seconds is None else now + seconds
            return
        left = self._until - now
        if seconds > left + max(TOLERATED_SECONDS, TOLERATED_SHARE * left):
            self._late = True
        elif seconds >= left:
            return
        self._until = now + seconds

    def told(self, now: float) -> str:
        """The time in words; empty: nothing tells."""
        if self._until is None:
            return ""
        left = self._until - now
        if self._late or left <= -MOMENT_SECONDS:
            return (
                f"longer than expected, about {duration(left)}" if left > IN_SECONDS_UNTIL else "longer than expected"
            )
        return f"about {duration(left)}" if left > 0 else "any moment"


@dataclass
class Pace:
    """How fast bytes go. One thread may add to it while another reads it."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def see(self, done: int, now: float) -> None:
        """Take in how many bytes are done."""
        with self._lock:
            if self._seen and done < self._seen[-1][1]:
                self._seen.clear()
            self._seen.append((now, done))
            while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW_SECONDS:  # noqa: PLR2004 - a first and a last
                self._seen.popleft()

    def per_second(self, now: float) -> float | None:
        """Bytes a second of late; None: too little has been seen."""
        with self._lock:
            if not self._seen or now - self._seen[0][0] < 1:
                return None
            began, before = self._seen[0]
            return (self._seen[-1][1] - before) / (now - began)
