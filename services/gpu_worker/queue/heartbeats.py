"""Heartbeats of every part held and of the machine's slot, and the watch that lets a part go when none was heard.

One thread keeps the time and never calls AWS, so that a lease is over when it is over, whatever hangs. It starts the
beats, each on a thread of its own: one that hangs keeps no other from being tried.
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
from services.gpu_worker.part.claim import LOST, Claim, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.common.store.store import Store
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
SLOT = "slot"
LOOK_SECONDS = 1.0
"""At most, between two looks at the leases."""
LOOKS_A_LEASE = 10
"""At least; for those who set a short one."""


class Heartbeats:
    """Beats for as long as the worker lives."""

    def __init__(
        self,
        store: Store,
        presence: Presence,
        settings: WorkerSettings,
        *,
        held: Callable[[], Iterable[Claim]],
        clock: Callable[[], int],
        alive: Callable[[str], None],
    ) -> None:
        """`alive` is told `heart` at every look."""
        self._store = store
        self._presence = presence
        self._settings = settings
        self._held = held
        self._clock = clock
        self._alive = alive
        self._beating: dict[str, threading.Thread] = {}
        """Beats under way, by the claim's name and attempt; the slot's too."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep_time, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Beat no more; waits no longer than that for beats under way."""
        until = None if seconds is None else time.monotonic() + seconds
        self._ending.set()
        self._thread.join(seconds)
        for beat in self._beating.values():
            beat.join(None if until is None else max(0.0, until - time.monotonic()))

    def lease_ends(self) -> int:
        """When a lease taken now ends, by this machine's corrected clock."""
        return self._clock() + round(self._settings.lease_seconds * SECOND_MS)

    def _keep_time(self) -> None:
        pause = min(LOOK_SECONDS, self._settings.lease_seconds / LOOKS_A_LEASE, self._settings.heartbeat_seconds)
        beaten = time.monotonic()
        while not self._ending.wait(pause):
            self.watch()
            if time.monotonic() - beaten >= self._settings.heartbeat_seconds:
                beaten = time.monotonic()
                self._start_beats()
            self._alive("heart")

    def watch(self) -> None:
        """Let go of every part of which nobody has heard for a whole lease: it may be another's by now."""
        now = time.monotonic()
        for claim in list(self._held()):
            if _kept(claim) and now - claim.confirmed > self._settings.lease_seconds:
                log.error("part.self_fenced", job_id=claim.part.job_id, part=claim.part.part_id)
                claim.let_go(Stop.SILENT)

    def _start_beats(self) -> None:
        self._beating = {name: thread for name, thread in self._beating.items() if thread.is_alive()}
        for claim in list(self._held()):
            self._start(f"{claim.name}/{claim.part.attempt}", partial(self._beat_for, claim))
        self._start(SLOT, self._beat_for_slot)

    def _start(self, name: str, beat: Callable[[], None]) -> None:
        """One at a time for each: behind one that hangs, others would only wait."""
        if name not in self._beating:
            self._beating[name] = threading.Thread(target=beat, name=f"beat {name}", daemon=True)
            self._beating[name].start()

    def beat(self) -> None:
        """Once for everything held, one after another."""
        for claim in list(self._held()):
            self._beat_for(claim)
        self._beat_for_slot()

    def _alone(self) -> bool:
        """Whether one part alone is on the device: with several there, a machine that is gone speaks against none."""
        return sum(claim.on_device for claim in self._held()) == 1

    def _beat_for_slot(self) -> None:
        try:
            self._presence.beat()
        except (ClientError, BotoCoreError) as error:
            log.warning("heartbeat.failed", slot=True, error=error)

    def _beat_for(self, claim: Claim) -> None:
        if not _kept(claim):
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
            # It may have arrived all the same: the next one must not show the number that the sweep has seen.
            claim.update(beat=claim.part.beat + 1)
        else:
            claim.confirmed = asked
            claim.update(beat=beaten.beat, due_at=beaten.due_at)

    def _fenced(self, claim: Claim) -> None:
        """The part is another's, unless the work has ended it while the beat was under way."""
        if claim.ending or claim.ended:
            return
        log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)
        claim.let_go(Stop.FENCED)


def _kept(claim: Claim) -> bool:
    """Whether its lease is still ours to prolong."""
    return not claim.ended and claim.reason not in LOST
