"""Compares slots with machines: a slot is freed only once its machine is gone, and a machine without a slot is ended.

A machine is marked first, and ended only if a later look finds the same.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from services.common.domain.states import SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.machines.instances import ENDING, GONE, is_stray, launch_id_of, state_of
from services.orchestrator import measuring
from services.orchestrator.scaling import BREAK_MS, SILENT_BOOTS
from services.orchestrator.state_reasons import Doing, end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from services.common.domain.machines import Slot
    from services.common.machines.instances import Instance, Instances
    from services.common.store.store import Store
    from services.orchestrator.console_output import Consoles
    from services.orchestrator.settings import OrchestratorSettings
    from services.orchestrator.slot_launches import SlotLaunches
    from services.orchestrator.state_reasons import End

log = structlog.get_logger()
LOOK_AGAIN_MS = 15 * SECOND_MS
LEAVING_MS = 3 * MINUTE_MS
"""How long a machine may take to power off after it has said that it leaves."""
STRAY_MS = MINUTE_MS
"""Shortest time between the first sight of a machine without a slot and its end."""
LIFETIME_MARGIN_MS = 10 * MINUTE_MS
"""How long after its maximum lifetime a machine that has not ended itself is ended."""


class Reaper:
    """Frees slots, and ends machines that have stopped answering or hold no slot."""

    def __init__(
        self,
        store: Store,
        instances: Instances,
        consoles: Consoles,
        launches: SlotLaunches,
        settings: OrchestratorSettings,
    ) -> None:
        self._store = store
        self._instances = instances
        self._consoles = consoles
        self._launches = launches
        self._settings = settings

    def due(self, now: int) -> Iterator[Callable[[], bool]]:
        """One function for each overdue slot and each machine without a slot.

        Each does the next step, and says whether it freed a slot.
        """
        self._consoles.begin()
        # Machines are read before slots. A slot is taken before the launch, so each machine seen has its slot by then.
        tagged = self._instances.tagged()
        slots = self._store.slots.all()
        due = [slot for slot in slots if self._is_due(slot, tagged, now)]
        instances = self._instances.with_those_of(due, tagged)
        for slot in due:
            yield partial(self._handle_slot, slot, instances, now)
        yield from self._strays(tagged, {slot.launch_id for slot in slots}, now)

    def _is_due(self, slot: Slot, tagged: Mapping[str, Instance], now: int) -> bool:
        """Whether the slot is overdue, or its machine is gone or too old, so that no report is to be waited for."""
        instance = tagged.get(slot.instance_id or "")
        gone = instance is not None and state_of(instance) == GONE
        return gone or slot.due_at <= now or self._outlived(slot, now)

    def _strays(self, tagged: Mapping[str, Instance], held: set[str], now: int) -> Iterator[Callable[[], bool]]:
        """The steps for machines without a slot, and for those that were marked so and have one after all."""
        marks = self._store.fleet.strays() if tagged else {}
        for instance_id, instance in tagged.items():
            if launch_id_of(instance) in held:
                if instance_id in marks:
                    yield partial(self._unmark_stray, instance_id, marks[instance_id])
            elif is_stray(instance, held):
                yield partial(self._handle_stray, instance_id, now)

    def _handle_slot(self, slot: Slot, instances: Mapping[str, Instance], now: int) -> bool:
        if slot.instance_id is None:
            # The launch's reply was lost. The request is idempotent: it gives the same machine again, or the refusal.
            self._launches.launch(slot, now)
            return False
        instance = instances.get(slot.instance_id)
        state = state_of(instance)
        if state == GONE:
            return self._free(slot, now, instance)
        if state in ENDING or not self._must_end(slot, now):
            self._store.slots.look_again_at(slot, now + LOOK_AGAIN_MS)
        elif self._outlived(slot, now):
            self._terminate(slot, now, "it outlived its time")
        elif slot.suspected or slot.status is SlotStatus.LEAVING:
            self._terminate(slot, now, "it fell silent" if slot.owner else "it never reported")
        elif self._store.slots.look_again_at(slot, now + 2 * self._beat_ms(), suspected=True):
            log.warning("machine.suspected", slot=slot.slot, instance_id=slot.instance_id)
        return False

    def _must_end(self, slot: Slot, now: int) -> bool:
        """Whether an overdue machine must end: always, unless it said less than `LEAVING_MS` ago that it leaves."""
        if slot.status is not SlotStatus.LEAVING or self._outlived(slot, now):
            return True
        return now - slot.times.get("leaving", slot.taken_at) > LEAVING_MS

    def _outlived(self, slot: Slot, now: int) -> bool:
        """Whether the machine should have ended itself by now. It is ended even if it still sends heartbeats."""
        return now - slot.taken_at > self._settings.max_lifetime_minutes * MINUTE_MS + LIFETIME_MARGIN_MS

    def _terminate(self, slot: Slot, now: int, why: str) -> None:
        """Mark the slot, then end its machine. If a heartbeat came since the slot was read, the next sweep decides.

        The slot stays suspected, so that the next sweep ends the machine if this one dies in between.
        """
        assert slot.instance_id
        note = f"ended by the sweep: {why}"
        if not self._store.slots.look_again_at(slot, now + LOOK_AGAIN_MS, suspected=True, note=note):
            return
        log.warning(
            "machine.ended", slot=slot.slot, instance_id=slot.instance_id, why=why, reported=slot.owner is not None
        )
        # Before the machine ends: EC2 does not promise to keep its console afterwards.
        self._consoles.keep(slot.instance_id, note, reported=partial(self._has_reported, slot))
        self._instances.terminate(slot.instance_id)

    def _has_reported(self, slot: Slot) -> bool:
        """Whether the machine has reported, by a consistent read: it may have done so since the slot was read.

        Also true if the slot is free or another machine's by now: then it is not known.
        """
        known = self._store.slots.get(slot.slot)
        return known is None or known.launch_id != slot.launch_id or known.owner is not None

    def _free(self, slot: Slot, now: int, instance: Instance | None = None) -> bool:
        """Free the slot of a machine that is gone; False if it was freed already.

        A machine that never reported counts for the breaker, unless EC2 itself ended it. One that reported closes it.
        """
        if not self._store.slots.free(slot):
            return False
        measuring.machine_ended(slot, self._ended_at(slot, now))
        end = end_of(instance)
        log.info("slot.freed", slot=slot.slot, instance_id=slot.instance_id, note=slot.note, code=end.code)
        if slot.owner is not None:
            self._reset_breaker(slot)
        elif end.cause.doing is not Doing.EC2:
            self._count_silent_boot(slot, end, now)
        if slot.owner is None or slot.suspected or slot.status is not SlotStatus.LEAVING:
            self._record_bad_end(slot, end, now)
        return True

    def _ended_at(self, slot: Slot, now: int) -> int:
        """When the machine that is gone ended, at the latest: if no sweep ran meanwhile, that may be long ago."""
        if slot.suspected:
            return now  # a sweep ended it, or was about to
        left = slot.times.get("leaving", now) + LEAVING_MS
        return min(now, left, slot.taken_at + self._settings.max_lifetime_minutes * MINUTE_MS + LIFETIME_MARGIN_MS)

    def _reset_breaker(self, slot: Slot) -> None:
        """Close the breaker if the machine, which has reported, was launched after the last one that did not report.

        An older machine proves nothing about the image or the account as they are now.
        """
        breaker = self._store.fleet.breaker()
        if breaker and breaker.silent_boots and slot.taken_at >= breaker.open_until - BREAK_MS:
            self._store.fleet.good_boot()

    def _count_silent_boot(self, slot: Slot, end: End, now: int) -> None:
        """Count a machine that never reported: against the image, or against the account if that is the cause."""
        waiting = end.cause.waiting.value if end.cause.doing is Doing.ACCOUNT else None
        breaker = self._store.fleet.silent_boot(now + BREAK_MS, waiting=waiting, reason=_account_of(slot, end))
        log.warning(
            "machine.never_reported", slot=slot.slot, in_a_row=breaker.silent_boots, note=slot.note, why=end.said
        )
        if breaker.silent_boots >= SILENT_BOOTS:
            log.error("breaker.opened", until=breaker.open_until)

    def _record_bad_end(self, slot: Slot, end: End, now: int) -> None:
        """Keep why the machine ended badly, with its console, now that its slot is free."""
        assert slot.instance_id
        reported = slot.owner is not None
        why = _account_of(slot, end)
        console = self._consoles.keep(slot.instance_id, why, reported=lambda: reported)
        self._store.fleet.ended_badly(slot.slot, slot.instance_id, now, why=why, console=console)

    def _handle_stray(self, instance_id: str, now: int) -> bool:
        seen_at = self._store.fleet.mark_stray(instance_id, now)
        log.warning("machine.stray", instance_id=instance_id, seen_at=seen_at)
        if now - seen_at >= STRAY_MS:
            self._instances.terminate(instance_id)
        return False

    def _unmark_stray(self, instance_id: str, seen_at: int) -> bool:
        self._store.fleet.unmark_stray(instance_id, seen_at)
        log.info("machine.no_stray", instance_id=instance_id)
        return False

    def _beat_ms(self) -> int:
        return round(self._settings.heartbeat_seconds * SECOND_MS)


def _account_of(slot: Slot, end: End) -> str:
    """How a machine ended, in sentences for people; `slot.note` is the last note of the machine or of the sweep."""
    began = "The machine had reported" if slot.owner else "The machine never reported"
    return f"{began}{f' ({slot.note})' if slot.note else ''}. {end.said}"
