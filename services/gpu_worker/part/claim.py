"""A part that this worker holds, and the three ways in which it may have to let it go."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.retrying import Answer, Retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.common.domain.options import Options
    from services.common.domain.records import Job, Part


PLANNING_SECONDS = 30.0
"""After which a recording that is still being read counts as no work for the device: others are claimed beside it."""


class Stop(StrEnum):
    """Why work on a claim ends before its time."""

    LEAVING = "leaving"
    """The machine must go: checkpoint and give the part back."""
    SILENT = "silent"
    """Nobody has heard of us for a whole lease, and the part may be another's by now: write nothing more, and give it
    back once somebody answers."""
    FENCED = "fenced"
    """The part is another's, or its job was canceled: write nothing."""


LOST = frozenset({Stop.SILENT, Stop.FENCED})
"""After which the work writes nothing more."""
_RANK = {None: 0, Stop.LEAVING: 1, Stop.SILENT: 2, Stop.FENCED: 3}


def name_of(part: Part) -> str:
    """The part's own, among all jobs' parts."""
    return f"{part.job_id}/{part.part_id}"


class Claim:
    """One claimed part; shared between the thread that works on it and the one that keeps its lease."""

    def __init__(
        self,
        job: Job,
        part: Part,
        options: Options,
        *,
        confirmed: float,
        turn: int = 0,
        heartbeat_seconds: float = math.inf,
    ) -> None:
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
        """Set once the work must end."""
        self.hurry = threading.Event()
        """Set once no answer about this part is waited for: the machine goes, or the part is another's."""
        self.reason: Stop | None = None
        self.on_device = False
        self.seconds_left = part.seconds * (1 - part.progress)
        """Of its audio, still to be decoded: an estimate until it is planned."""
        self.progress = part.progress
        self.ending = False
        """Whether a write that ends it may have been sent: from then on a fence that somebody else meets may be our own
        doing, and what became of the part is for that write to find out."""
        self.ended = False
        """Whether nobody here works on it any more."""
        self._retrying_calls = Retrying(self.stop, heartbeat_seconds=heartbeat_seconds)
        self._last_calls = Retrying(self.hurry, last_try=True, heartbeat_seconds=heartbeat_seconds)

    @property
    def name(self) -> str:
        return name_of(self.part)

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Part
        """Change what is known of the part; heart and work both do, each its own fields."""
        with self._lock:
            self.part = replace(self.part, **changes)

    def let_go(self, reason: Stop) -> None:
        """Stop the work; a fence outranks silence, and that a shutdown."""
        with self._lock:
            if _RANK[reason] > _RANK[self.reason]:
                self.reason = reason
        self.stop.set()
        if reason is not Stop.SILENT:
            self.hurry.set()

    def retrying(self, ask: Callable[[], Answer]) -> Answer:
        """A call of AWS that the work needs: what `ask` returns, once AWS answers.

        Raises:
            StoppedError: the work must end; who fell silent or was fenced has not even asked.

        """

        def unless_lost() -> Answer:
            if self.reason in LOST:
                raise StoppedError
            return ask()

        return self._retrying_calls(unless_lost)

    def to_the_last(self, ask: Callable[[], Answer]) -> Answer:
        """The call that gives the part back: it is asked for as long as this machine has time.

        Raises:
            StoppedError: AWS has not answered, and the machine must go.

        """
        return self._last_calls(ask)

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
