"""How this worker leaves, when it is told to or when nothing is queued, and gives back the parts that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.part.claim import StopReason

if TYPE_CHECKING:
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.retrying import Retrying
    from services.gpu_worker.machine.shutdown import Shutdown
    from services.gpu_worker.machine.systemd import Watchdog
    from services.gpu_worker.part.endings import PartEndings
    from services.gpu_worker.queue.claiming import Claimer
    from services.gpu_worker.queue.held import HeldClaims
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()


class Leaving:
    """Marks the slot as leaving, and stops the work on the parts held."""

    def __init__(
        self,
        *,
        settings: WorkerSettings,
        held: HeldClaims,
        claimer: Claimer,
        endings: PartEndings,
        presence: Presence,
        shutdown: Shutdown,
        retrying: Retrying,
        watchdog: Watchdog,
    ) -> None:
        self._settings = settings
        self._held = held
        self._claimer = claimer
        self._endings = endings
        self._presence = presence
        self._shutdown = shutdown
        self._retrying = retrying
        self._watchdog = watchdog

    def leave(self, why: str) -> None:
        """Claim no more parts, stop the work on those held, and mark the slot. Safe to call from any thread."""
        if not self._shutdown.begin():
            return
        log.warning("worker.leaving", why=why)
        for claim in self._held:
            claim.stop_work(StopReason.SHUTDOWN)
        self._held.wake()
        self._presence.try_to_leave(why)
        self._shutdown.mark()
        self._held.wake()

    def leave_if_idle(self, seconds: float) -> bool:
        """Leave once this worker has had nothing to do for `IDLE_SECONDS`, unless work is expected.

        `seconds` is how long it had nothing.
        """
        idle = seconds > self._settings.idle_seconds and not self._presence.awaited
        return idle and self._leave_if_nothing_is_queued()

    def _leave_if_nothing_is_queued(self) -> bool:
        """Mark the slot as leaving, wait for the index's lag, and look at the queue again; False if there is work.

        For a part that is queued after the slot was marked, the orchestrator launches another machine.
        """
        self._retrying(lambda: self._presence.leave("nothing to do"))
        self._shutdown.wait(self._settings.index_lag_seconds)
        if self._shutdown.told or not any(True for _ in self._claimer.candidates()):
            return True
        self._retrying(self._presence.stay)
        return False

    def drain(self) -> None:
        """Wait for the parts held to end; once told to leave, give back those that have not ended in time."""
        while (self._held or not self._shutdown.marked) and (left := self._shutdown.seconds_for_held()) > 0:
            self._watchdog.beat("loop")
            self._held.wait(min(left, self._settings.poll_seconds))
        for claim in self._held:
            log.warning("part.abandoned", job_id=claim.part.job_id, part=claim.part.part_id)
            self._endings.give_back(claim)
