"""Sends heartbeats for every part held and for the machine's slot, and stops work whose lease has expired.

One thread keeps the time and never calls AWS, so it notices an expired lease even while calls hang. It starts each
heartbeat on a thread of its own, so that one that hangs delays no other.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.times import SECOND_MS
from services.common.store.leases import FencedError
from services.gpu_worker.part.claim import LEASE_LOST, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.common.store.store import Store
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
SLOT = "slot"
LOOK_SECONDS = 1.0
"""The longest pause between two looks at the leases."""
LOOKS_A_LEASE = 10
"""Each lease is looked at this often at least, however short the deployment makes it."""


class Heartbeats:
    """The heartbeats of one worker, from `start` to `stop`."""

    def __init__(
        self,
        store: Store,
        presence: Presence,
        settings: WorkerSettings,
        *,
        held: Iterable[Claim],
        clock: Callable[[], int],
        alive: Callable[[], None],
    ) -> None:
        """The heartbeats of one worker.

        Args:
            store: the table.
            presence: sends the slot's heartbeat.
            settings: of the worker.
            held: the claims, read anew each time.
            clock: epoch milliseconds.
            alive: called at every look at the leases, for the watchdog.

        """
        self._store = store
        self._presence = presence
        self._settings = settings
        self._held = held
        self._clock = clock
        self._alive = alive
        self._beating: dict[str, threading.Thread] = {}
        """Heartbeats under way, by the claim's name and attempt; the slot's is among them."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep_time, name="heartbeats", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Start no more heartbeats, and wait for those under way; `seconds`: how long at most, None for no limit."""
        until = None if seconds is None else time.monotonic() + seconds
        self._ending.set()
        self._thread.join(seconds)
        for beat in self._beating.values():
            beat.join(None if until is None else max(0.0, until - time.monotonic()))

    def lease_ends(self) -> int:
        """When a lease that is taken now ends, in epoch milliseconds of this machine's corrected clock."""
        return self._clock() + round(self._settings.lease_seconds * SECOND_MS)

    def _keep_time(self) -> None:
        pause = min(LOOK_SECONDS, self._settings.lease_seconds / LOOKS_A_LEASE, self._settings.heartbeat_seconds)
        beaten = time.monotonic()
        while not self._ending.wait(pause):
            self.stop_expired()
            if time.monotonic() - beaten >= self._settings.heartbeat_seconds:
                beaten = time.monotonic()
                self._start_beats()
            self._alive()

    def stop_expired(self) -> None:
        """Stop the work on each part that has had no heartbeat for a whole lease: another worker may have it by now."""
        now = time.monotonic()
        for claim in self._held:
            if _is_ours(claim) and now - claim.confirmed > self._settings.lease_seconds:
                log.error("part.self_fenced", job_id=claim.part.job_id, part=claim.part.part_id)
                claim.stop_work(StopReason.LEASE_EXPIRED)

    def _start_beats(self) -> None:
        self._beating = {name: thread for name, thread in self._beating.items() if thread.is_alive()}
        for claim in self._held:
            self._start(f"{claim.name}/{claim.part.attempt}", partial(self._beat_for, claim))
        self._start(SLOT, self._beat_for_slot)

    def _start(self, name: str, beat: Callable[[], None]) -> None:
        """Start a heartbeat, unless one of this name is under way: while that hangs, a second would hang too."""
        if name not in self._beating:
            self._beating[name] = threading.Thread(target=beat, name=f"heartbeat {name}", daemon=True)
            self._beating[name].start()

    def beat(self) -> None:
        """Send one heartbeat for each part held, one after another, and the slot's."""
        for claim in self._held:
            self._beat_for(claim)
        self._beat_for_slot()

    def _alone(self) -> bool:
        """Whether only one part is on the device; the death of a machine does not count against one of several."""
        return sum(claim.on_device for claim in self._held) == 1

    def _beat_for_slot(self) -> None:
        try:
            self._presence.beat()
        except (ClientError, BotoCoreError) as error:
            log.warning("heartbeat.failed", slot=True, error=error)

    def _beat_for(self, claim: Claim) -> None:
        if not _is_ours(claim):
            return
        asked = time.monotonic()
        try:
            beaten = self._store.leases.heartbeat(
                claim.part,
                lease_ends=self.lease_ends(),
                on_device=claim.on_device and self._alone(),
                progress=claim.progress,
            )
        except FencedError:
            self._fenced(claim)
        except (ClientError, BotoCoreError) as error:
            log.warning("heartbeat.failed", job_id=claim.part.job_id, error=error)
            # AWS may have written it all the same. The next one must carry a number that the sweep has not seen.
            claim.update(beat=claim.part.beat + 1)
        else:
            claim.confirmed = asked
            claim.update(beat=beaten.beat, due_at=beaten.due_at)

    def _fenced(self, claim: Claim) -> None:
        """Stop the work: the part is another worker's, unless this one ended it while the heartbeat was under way."""
        if claim.ending or claim.ended:
            return
        log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)
        claim.stop_work(StopReason.FENCED)


def _is_ours(claim: Claim) -> bool:
    """Whether this worker may still prolong the claim's lease."""
    return not claim.ended and claim.stop_reason not in LEASE_LOST
