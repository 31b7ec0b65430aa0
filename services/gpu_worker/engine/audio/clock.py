"""Where frames of sound belong on the clock that a player shows. Pure.

A frame's place follows from its presentation time stamp and from the frames before it. One stamp alone proves nothing:
some are rounded, some jitter, some are absurd. So a stamp that differs from the end of the sound before it counts only
as far as the frames of the next seconds agree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

LEAST = 0.01
"""Seconds; a difference of less is a rounded stamp."""
AHEAD = 2.0
"""Seconds of sound that must agree before a stamp is believed."""
FEW = 4
"""Frames that must agree, where they are so long that fewer would fill `AHEAD`."""
LONGEST_JUMP = 30 * 3600.0
"""Seconds; a greater jump is a broken clock. This limit and the next are FFmpeg's own."""
LONGEST_SPLICE = 10.0
"""Seconds; the same for broadcasts, whose clocks are set anew at every splice."""
LONGEST_OVERLAP = 0.05
"""Seconds of sound that are cut at most where a stamp lies before the end of the sound so far. Where it lies further
back, the stamp is ignored and the sound goes on."""
MOST_DRIFT = 0.01
"""The largest share by which a recorder's sample clock runs fast or slow. Stamps that differ by more are in another
unit."""
PAGE = 5.0
"""Seconds of sound behind skipped bytes whose stamps may still be the old ones: the rest of a page of Ogg."""
LEAST_SKIPPED = 0.1
"""Seconds; fewer skipped bytes than that are padding or a tag."""
LEAST_LOSS = 0.015
"""Seconds of silence that are reported as a loss; less is a recorder whose sample clock ran a little slow."""


@dataclass(slots=True)
class Losses:
    """Sound that the stamps say is missing."""

    seconds: float = 0.0
    places: int = 0
    first: float = 0.0
    """Where the first loss begins, in seconds."""

    def add(self, at: float, seconds: float) -> None:
        self.first = self.first if self.places else at
        self.places += 1
        self.seconds += seconds


@dataclass(slots=True)
class _Waiting(Generic[T]):
    frame: T
    offset: float
    """The frame's stamp less the length of all sound before it, in seconds."""
    length: float
    back: bool
    """Whether its stamp is before that of the previous frame."""
    skipped: float


@dataclass(slots=True)
class Clock(Generic[T]):
    """Places the frames of one track, in the order in which they are decoded."""

    longest_jump: float = LONGEST_JUMP
    losses: Losses = field(default_factory=Losses)
    _waiting: deque[_Waiting[T]] = field(default_factory=deque)
    pushed: float = 0.0
    """Seconds of sound that were pushed so far."""
    _placed: float = 0.0
    """Seconds of sound that were placed so far."""
    _offset: float = 0.0
    """Seconds of silence so far, less what was cut."""
    _set_back: float = 0.0
    """Seconds that are added to every offset, since stamps that went back or jumped too far were ignored."""
    _adjusted: float = 0.0
    """Seconds of sound that were placed when a drift was last corrected."""
    _skipped: float = 0.0
    """The most that was skipped within the last `PAGE`, and behind how many seconds of sound; all in seconds."""
    _skipped_at: float = 0.0
    _stamp: float = 0.0

    def push(self, frame: T, stamp: float | None, length: float, skipped: float = 0.0) -> None:
        """Take the next frame.

        Args:
            frame: given back by `take`.
            stamp: its presentation time stamp in seconds; None where it has none.
            length: in seconds.
            skipped: how many seconds of sound the unreadable bytes before it would hold. A frame without a stamp is
                placed so much later.

        """
        waiting = self._waiting
        if stamp is None:
            lost = skipped if skipped > LEAST_SKIPPED else 0.0
            offset = (waiting[-1].offset if waiting else self._offset - self._set_back) + lost
            stamp = self._stamp + length
        else:
            offset = stamp - self.pushed
        waiting.append(_Waiting(frame, offset, length, stamp < self._stamp, skipped))
        self._stamp = stamp
        self.pushed += length

    @property
    def ready(self) -> bool:
        """Whether `take` may give a second of frames."""
        return self.pushed - self._placed > AHEAD + 1.0

    def take(self) -> Iterator[tuple[T, float, float]]:
        """The frames whose place is certain by now, each with its place and its length in seconds."""
        while len(self._waiting) > FEW and self.pushed - self._placed - self._waiting[0].length > AHEAD:
            yield self._place()

    def flush(self) -> Iterator[tuple[T, float, float]]:
        """The frames that are left, as `take` gives them, when no more will be pushed."""
        while self._waiting:
            yield self._place()

    def _place(self) -> tuple[T, float, float]:
        drift = self._waiting[0].offset + self._set_back - self._offset
        if drift > LEAST:
            self._jump()
        elif drift < -LEAST:
            self._go_back()
        first = self._waiting.popleft()
        place = self._placed + self._offset
        self._placed += first.length
        if first.skipped >= self._skipped or self._placed > self._skipped_at + PAGE:
            self._skipped, self._skipped_at = first.skipped, self._placed
        return first.frame, place, first.length

    def _jump(self) -> None:
        """Leave as much silence as the stamps of all waiting frames agree on."""
        step = min(frame.offset for frame in self._waiting) + self._set_back - self._offset
        if step <= LEAST or (self._placed > 0 and self._near_the_end and not LONGEST_OVERLAP < step <= AHEAD):
            return
        evidence = max(self._skipped, *(frame.skipped for frame in self._waiting))
        longest = max(self.longest_jump, 2 * evidence) if self._placed > 0 else LONGEST_JUMP
        if step > longest or self._miscounted(step):
            self._set_back -= step
        else:
            if step >= LEAST_LOSS and self._placed > LEAST_SKIPPED:  # else it is sound that begins late
                self.losses.add(self._placed + self._offset, step)
            self._offset += step
        self._adjusted = self._placed if self._is_drift(step) else self._adjusted

    def _go_back(self) -> None:
        """Go on without a pause where stamps are set back; cut the sound that a fast recorder has too much of."""
        step = self._offset - self._set_back - max(frame.offset for frame in self._waiting)
        if step <= LEAST or self._near_the_end:
            return
        if self._waiting[0].back or step > LONGEST_OVERLAP or self._miscounted(step):
            # Only the next few frames count: a later one may have a pause of its own before it.
            self._set_back = self._offset - max(frame.offset for frame in islice(self._waiting, FEW))
        else:
            self._offset -= step
        self._adjusted = self._placed if self._is_drift(step) else self._adjusted

    @property
    def _near_the_end(self) -> bool:
        """Whether too few frames follow to confirm a stamp."""
        return len(self._waiting) < FEW and self.pushed - self._placed < AHEAD

    def _miscounted(self, step: float) -> bool:
        """Whether a difference of less than a frame arose too quickly to be a recorder's drift."""
        return self._placed > 0 and self._is_drift(step) and step > MOST_DRIFT * (self._placed - self._adjusted)

    def _is_drift(self, step: float) -> bool:
        """Whether a difference is too small for a missing or surplus frame."""
        return step < self._waiting[0].length / 2
