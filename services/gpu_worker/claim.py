"""A part that this worker holds, and the three ways in which it may have to let go."""

from __future__ import annotations

import threading
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.common.domain.options import Options
    from services.common.domain.records import Job, Part


PLANNING_SECONDS = 30.0
"""After which a recording that is still being read counts as no work for the device: others are claimed beside it."""


class Stop(StrEnum):
    """Why work on a claim ends before its time."""

    LEAVING = "leaving"
    """The machine must go: checkpoint and give the part back."""
    FENCED = "fenced"
    """The part is another's, or its job was canceled: write nothing."""


class Claim:
    """One claimed part; shared between the thread that works on it and the one that keeps its lease."""

    def __init__(self, job: Job, part: Part, options: Options, *, confirmed: float, turn: int = 0) -> None:
        """`confirmed`: when the claim was asked for, on the monotonic clock, in seconds; `turn`: the part's place in
        the queue, which it keeps if it goes back.
        """
        self.job = job
        self.part = part
        self._lock = threading.Lock()
        self.options = options
        self.confirmed = confirmed
        self.turn = turn
        self._claimed = confirmed
        self._planned = False
        self.stop = threading.Event()
        self.reason: Stop | None = None
        self.on_device = False
        self.seconds_left = part.seconds * (1 - part.progress)
        """Of its audio, still to be decoded: an estimate until it is planned."""
        self.progress = part.progress
        self.ended = False

    @property
    def name(self) -> str:
        return f"{self.part.job_id}/{self.part.part_id}"

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Part
        """Change what is known of the part; heart and work both do, each its own fields."""
        with self._lock:
            self.part = replace(self.part, **changes)

    def let_go(self, reason: Stop) -> None:
        """Stop the work; a fence outranks a departure."""
        if self.reason is not Stop.FENCED:
            self.reason = reason
        self.stop.set()

    def ahead(self, now: float) -> float:
        """Seconds of audio that the device will get from this one; none from a file that nobody knows how to read yet
        though there was time for that. `now` is on the monotonic clock.
        """
        return self.seconds_left if self._planned or now - self._claimed < PLANNING_SECONDS else 0.0

    def advance(self, seconds_left: float, total: float) -> None:
        """How far it is: audio still to be decoded, of how much, in seconds."""
        self._planned = True
        self.seconds_left = seconds_left
        self.progress = 1 - seconds_left / total if total else 1.0
