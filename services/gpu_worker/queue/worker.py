"""The worker's loop: it claims parts as long as some are queued and this machine may take more."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.domain.states import TERMINAL
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.queue.admission import ahead_seconds, has_room, joins

if TYPE_CHECKING:
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.shutdown import Shutdown
    from services.gpu_worker.machine.systemd import Watchdog
    from services.gpu_worker.machine.work_folder import WorkFolder
    from services.gpu_worker.queue.attempts import Attempts
    from services.gpu_worker.queue.claiming import Claimer
    from services.gpu_worker.queue.costs import Costs
    from services.gpu_worker.queue.engines import Engines
    from services.gpu_worker.queue.held import HeldClaims
    from services.gpu_worker.queue.leaving import Leaving
    from services.gpu_worker.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class Worker:
    """Claims parts; the work on each runs beside the loop."""

    settings: WorkerSettings
    held: HeldClaims
    claimer: Claimer
    attempts: Attempts
    costs: Costs
    engines: Engines
    folder: WorkFolder
    leaving: Leaving
    presence: Presence
    shutdown: Shutdown
    watchdog: Watchdog

    def work(self) -> None:
        """Claim and work on parts until the queue is empty or the machine has to end."""
        with suppress(StoppedError):
            self._take_and_wait()
        if self.presence.lost:
            self.presence.try_to_leave("slot lost")
        self.leaving.drain()

    def _take_and_wait(self) -> None:
        """Run the loop; it waits while AWS does not answer, as the work on the parts held does.

        Raises:
            StoppedError: this worker was told to leave while it waited.

        """
        idle_since = time.monotonic()
        while not (self.shutdown.told or self.presence.lost):
            self.watchdog.beat("loop")
            if self._may_take_more() and self.take_one():
                continue
            if self.held:
                idle_since = time.monotonic()
            elif self.leaving.leave_if_idle(time.monotonic() - idle_since):
                return
            else:
                self.costs.idle()
            self.held.wait(self.settings.poll_seconds)

    def _may_take_more(self) -> bool:
        """Whether another part may be claimed now.

        An engine that failed is replaced, and a full disk may have room again, once a part held has ended.
        """
        willing = self.folder.takes_more and (self.engines.sound or not self.held)
        return willing and has_room(tuple(self.held), ahead_seconds(self.engines.speed), time.monotonic())

    def take_one(self) -> bool:
        """Claim the next part; False if there is none, or if the next one has to wait until no other part is held.

        No other part is taken before one that waits for that: with a steady stream of parts it would wait for ever.
        """
        for part, job in self.claimer.candidates():
            if self.held.has(part):
                # It was given back by a thread that has not ended yet, or the index is late.
                continue
            if job is None or job.status in TERMINAL:
                self.claimer.close(part)
                continue
            options, wrong = self.claimer.options(job)
            if not joins(part, options.model_key, tuple(self.held)):
                return False
            if claim := self.claimer.claim(job, part, options):
                self.attempts.begin(claim, wrong)
                return True
        return False
