"""The machine's slot: kept while it lives, marked when it leaves. A person's own box has none, and only says so."""

from __future__ import annotations

import platform
import threading
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.common.store.store import Store
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
LEASES = 2
"""How many part leases a slot's lasts: it is the machine that is looked for, not one piece of work."""


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
        """Held during a write: a heartbeat must not arrive after the slot was marked as leaving, and undo that."""
        self.note: str | None = None
        """What every heartbeat tells people of this machine."""
        self._times: dict[str, int] = {}
        self._slot_times: dict[str, int] = {}
        self.lost = False
        """Set when the slot is another's: this machine should not be."""

    def reached(self, stage: str, *, seconds_ago: float = 0) -> None:
        """Note a stage of the boot; the next heartbeat reports it."""
        self._times[stage] = self._clock() - round(seconds_ago * SECOND_MS)

    def machine_times(self) -> dict[str, int]:
        """Stages of this machine's launch and boot, as far as they are known."""
        return {**self._slot_times, **self._times}

    def beat(self) -> None:
        """Send a heartbeat, unless this machine leaves."""
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
        known_times = self._store.slots.report(
            slot,
            launch_id,
            owner=self._identity.owner,
            beat=self._beat,
            due_at=self._lease_ends(),
            times=self._times,
            note=self.note,
        )
        if known_times is None:
            log.error("slot.lost", slot=slot, launch_id=launch_id)
            self.lost = True
        else:
            self._slot_times = known_times

    def leave(self, note: str) -> None:
        """Take no more work; the orchestrator no longer counts this machine as capacity, and looks for its end."""
        self._leaving = True
        with self._lock:
            if self._identity.slot and self._identity.launch_id:
                self._store.slots.leave(self._identity.slot, self._identity.launch_id, now=self._clock(), note=note)
            else:
                self._store.fleet.absent(self._identity.owner)

    def try_to_leave(self, note: str) -> None:
        """As `leave`, but an AWS that cannot be reached is only logged: the machine goes all the same."""
        try:
            self.leave(note)
        except (ClientError, BotoCoreError) as unreachable:
            log.warning("slot.unmarked", error=unreachable)

    def stay(self) -> None:
        """Take back `leave`: there is work after all."""
        self._leaving = False
        self.beat()

    def _lease_ends(self) -> int:
        return self._clock() + round(LEASES * self._settings.lease_seconds * SECOND_MS)
