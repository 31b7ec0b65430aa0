"""The machine's slot: it is kept by heartbeats and marked when the machine leaves.

A machine that is not the fleet's has no slot; it only reports that it is there.
"""

from __future__ import annotations

import platform
import threading
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.states import SlotStatus
from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.common.store.store import Store
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
LEASES = 2
"""How many leases of a part a slot's lease lasts, as a machine is missed less quickly than its work."""


class Presence:
    """What the orchestrator knows of this machine."""

    def __init__(self, store: Store, identity: Identity, settings: WorkerSettings, clock: Callable[[], int]) -> None:
        self._store = store
        self._identity = identity
        self._settings = settings
        self._clock = clock
        self._beat = 0
        self._leaving = False
        self._lock = threading.Lock()
        """Held during a write: a heartbeat that arrives after the slot was marked as leaving would undo that."""
        self.note: str | None = None
        """A sentence about this machine, for people, that every heartbeat carries."""
        self._times: dict[str, int] = {}
        self._slot_times: Mapping[str, int] = {}
        self._stay_until = 0
        self.lost = False
        """Set when the slot belongs to another machine: then this one should not run."""

    def reached(self, stage: str, *, seconds_ago: float = 0) -> None:
        """Note that a stage of the boot was reached, now or `seconds_ago`; the next heartbeat reports it."""
        self._times[stage] = self._clock() - round(seconds_ago * SECOND_MS)

    def machine_times(self) -> dict[str, int]:
        """The known stages of this machine's launch and boot, in epoch milliseconds."""
        # A machine that was about to leave may have found one more job.
        launch = {stage: moment for stage, moment in self._slot_times.items() if stage != SlotStatus.LEAVING}
        return {**launch, **self._times}

    @property
    def awaited(self) -> bool:
        """Whether the orchestrator expects work for this machine, and wants it to wait."""
        return self._clock() < self._stay_until

    def beat(self) -> None:
        """Send a heartbeat, unless this machine is leaving."""
        if self._leaving:
            return
        with self._lock:
            if not self._leaving:
                self._report()

    def _report(self) -> None:
        slot, launch_id = self._identity.slot, self._identity.launch_id
        self._beat += 1
        if slot is None or launch_id is None:
            self._store.fleet.present(
                self._identity.owner, host=platform.node(), beat=self._beat, until=self._lease_ends()
            )
            return
        news = self._store.slots.report(
            slot,
            launch_id,
            owner=self._identity.owner,
            beat=self._beat,
            due_at=self._lease_ends(),
            times=self._times,
            note=self.note,
        )
        if news is None:
            log.error("slot.lost", slot=slot, launch_id=launch_id)
            self.lost = True
        else:
            self._slot_times, self._stay_until = news.times, news.stay_until

    def leave(self, note: str) -> None:
        """Mark the slot as leaving: the orchestrator no longer counts this machine as capacity, and expects its end."""
        self._leaving = True
        with self._lock:
            if self._identity.slot and self._identity.launch_id:
                self._store.slots.leave(self._identity.slot, self._identity.launch_id, now=self._clock(), note=note)
            else:
                self._store.fleet.absent(self._identity.owner)

    def try_to_leave(self, note: str) -> None:
        """As `leave`, but if AWS cannot be reached that is only logged, as the machine ends all the same."""
        try:
            self.leave(note)
        except (ClientError, BotoCoreError) as unreachable:
            log.warning("slot.unmarked", error=unreachable)

    def stay(self) -> None:
        """Undo `leave`, since there is work after all."""
        self._leaving = False
        self.beat()

    def _lease_ends(self) -> int:
        return self._clock() + round(LEASES * self._settings.lease_seconds * SECOND_MS)
