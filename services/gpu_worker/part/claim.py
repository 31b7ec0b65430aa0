"""A part that this worker holds, and the three reasons for which the work on it may have to stop."""

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


BEGINNING_SECONDS = 30.0
"""A part of which the device has nothing by then counts as no work for it, so other parts are claimed beside it."""


class StopReason(StrEnum):
    """Why the work on a claim stops before its end."""

    SHUTDOWN = "shutdown"
    """The machine has to end: save a checkpoint and give the part back."""
    LEASE_EXPIRED = "lease expired"
    """No heartbeat has arrived for a whole lease, and the part may be another worker's by now: write nothing more, and
    give it back once AWS answers."""
    FENCED = "fenced"
    """The part is another worker's, or its job was canceled: write nothing."""


LEASE_LOST = frozenset({StopReason.LEASE_EXPIRED, StopReason.FENCED})
"""Reasons after which the work writes nothing more."""
_RANK = {None: 0, StopReason.SHUTDOWN: 1, StopReason.LEASE_EXPIRED: 2, StopReason.FENCED: 3}


def name_of(part: Part) -> str:
    """A name that no other part of any job has."""
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
        """A claim on a part that this worker has just taken.

        Args:
            job: as the claim left it.
            part: as the claim left it.
            options: of the job, completed.
            confirmed: when the claim was asked for, in seconds of the monotonic clock.
            turn: the part's place in the queue, in epoch milliseconds, which it keeps if it is given back.
            heartbeat_seconds: no pause between two tries of a call is longer than half of this.

        """
        self.job = job
        self.part = part
        self._lock = threading.Lock()
        self.options = options
        self.confirmed = confirmed
        """When the last write that prolonged the lease was asked for: the lease counts from there."""
        self.turn = turn
        self._claimed = confirmed
        self._begun = False
        self.stop = threading.Event()
        """Set once the work must stop."""
        self._give_up = threading.Event()
        """Set once no call about this part is retried any more: the machine ends, or the part is another worker's."""
        self.stop_reason: StopReason | None = None
        self.on_device = False
        """Whether this recording may be the cause if the process that holds the model dies."""
        self.labelling = False
        """Whether its text is done, and only its speakers are still to be observed, without the device."""
        self.seconds_left = part.seconds * (1 - part.progress)
        """Seconds of its audio that are still to be decoded: an estimate until the recording is planned."""
        self.progress = part.progress
        self.ending = False
        """Whether a write that ends the attempt may have been sent. If a heartbeat is fenced after that, this write may
        be the cause, and it finds out by itself what has become of the part."""
        self.ended = False
        """Whether this worker has ended its work on the part."""
        self._retrying = Retrying(self.stop, heartbeat_seconds=heartbeat_seconds)
        self._retrying_until_shutdown = Retrying(self._give_up, last_try=True, heartbeat_seconds=heartbeat_seconds)

    @property
    def name(self) -> str:
        return name_of(self.part)

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Part
        """Change fields of the part. Its heartbeats and its work both do that, each with fields of its own."""
        with self._lock:
            self.part = replace(self.part, **changes)

    def stop_work(self, reason: StopReason) -> None:
        """Stop the work; of several reasons a fence has precedence over an expired lease, and that over a shutdown."""
        with self._lock:
            if _RANK[reason] > _RANK[self.stop_reason]:
                self.stop_reason = reason
        self.stop.set()
        if reason is not StopReason.LEASE_EXPIRED:
            self._give_up.set()

    def retry(self, call: Callable[[], Answer]) -> Answer:
        """Make a call of AWS that the work needs, until AWS answers, and return what it returns.

        Raises:
            StoppedError: the work must stop; if the lease is lost, the call was not made.

        """

        def unless_lost() -> Answer:
            if self.stop_reason in LEASE_LOST:
                raise StoppedError
            return call()

        return self._retrying(unless_lost)

    def retry_until_shutdown(self, call: Callable[[], Answer]) -> Answer:
        """Make a call of AWS that gives the part back, until AWS answers or the machine has to end.

        Raises:
            StoppedError: AWS has not answered, and the machine has to end.

        """
        return self._retrying_until_shutdown(call)

    def ahead(self, now: float) -> float:
        """Seconds of audio that the device will soon get from this part; `now` is in seconds of the monotonic clock.

        0 for a recording of which the device has got nothing for long, since it would have to wait for it.
        """
        return self.seconds_left if self._begun or now - self._claimed < BEGINNING_SECONDS else 0.0

    def begin(self, seconds_left: float | None = None) -> None:
        """Note that the device has begun with this part, and how much of its audio is left, if that is known by now.

        The progress is told by `advance`, once the whole is known.
        """
        self._begun = True
        if seconds_left is not None:
            self.seconds_left = seconds_left

    def advance(self, seconds_left: float, total: float) -> None:
        """Note the progress: of `total` seconds of audio, `seconds_left` are still to be decoded."""
        self._begun = True
        self.seconds_left = seconds_left
        self.progress = 1 - seconds_left / total if total else 1.0
