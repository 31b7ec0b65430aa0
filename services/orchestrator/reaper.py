"""Slots and machines held against each other: a slot is freed only once its machine is gone, and a machine without a
slot is ended. Whoever is to be ended is marked first and looked at again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain.clock import MINUTE, SECOND
from services.common.domain.states import SlotStatus
from services.orchestrator.policy import BREAK_MS, SILENT_BOOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_ec2 import EC2Client

    from services.common.domain.records import Slot
    from services.common.store.store import Store
    from services.orchestrator.fleet import Fleet
    from services.orchestrator.settings import OrchestratorSettings

log = structlog.get_logger()
GONE = "terminated"
ENDING = frozenset({"shutting-down", "stopping", "stopped"})
LOOK_AGAIN_MS = 15 * SECOND
LEAVING_MS = 3 * MINUTE
"""How long a machine may take to power off after its last word."""
STRAY_MS = MINUTE
"""Between the first sight of a machine without a slot and its end."""
LIFETIME_MARGIN_MS = 10 * MINUTE
"""After which a machine that should have ended itself is ended."""


class Reaper:
    """Frees slots, and ends machines that have stopped answering or hold no slot."""

    def __init__(self, store: Store, ec2: EC2Client, fleet: Fleet, settings: OrchestratorSettings) -> None:
        self._store = store
        self._ec2 = ec2
        self._fleet = fleet
        self._settings = settings

    def due(self, now: int) -> Iterator[Callable[[], bool]]:
        """What is to be done about slots that are overdue and machines without one; each tells if it freed a slot."""
        # Machines first, slots second: a slot is taken before its launch, so what is seen here has one by then.
        machines = self._machines()
        slots = self._store.slots.all()
        for slot in slots:
            if slot.due_at <= now or self._outlived(slot, now):
                yield partial(self._see_to, slot, machines, now)
        held = {slot.launch_id for slot in slots}
        for instance_id, machine in machines.items():
            if machine["State"]["Name"] in {"pending", "running"} and _launch_id(machine) not in held:
                yield partial(self._end_stray, instance_id, now)

    def _see_to(self, slot: Slot, machines: Mapping[str, Mapping[str, Any]], now: int) -> bool:
        if slot.instance_id is None:
            # The launch's reply was lost: the same request again brings the same machine, or the refusal.
            self._fleet.launch(slot, now)
            return False
        machine = machines.get(slot.instance_id)
        state = machine["State"]["Name"] if machine else GONE
        if state == GONE:
            return self._free(slot, now, taken_back=_taken_back(machine))
        if state in ENDING or not self._must_end(slot, now):
            self._store.slots.look_again_at(slot, now + LOOK_AGAIN_MS)
        elif self._outlived(slot, now):
            self._end(slot, now, "it outlived its time")
        elif slot.suspected or slot.status is SlotStatus.LEAVING:
            self._end(slot, now, "it fell silent")
        elif self._store.slots.look_again_at(slot, now + 2 * self._beat_ms(), suspected=True):
            log.warning("machine.suspected", slot=slot.slot, instance_id=slot.instance_id)
        return False

    def _must_end(self, slot: Slot, now: int) -> bool:
        """Overdue is reason enough, but for a machine that said it was leaving and may still be about it."""
        if slot.status is not SlotStatus.LEAVING or self._outlived(slot, now):
            return True
        return now - slot.times.get("leaving", slot.taken_at) > LEAVING_MS

    def _outlived(self, slot: Slot, now: int) -> bool:
        """Whether the machine should have ended itself: then it is ended, however lively it is."""
        return now - slot.taken_at > self._settings.max_lifetime_minutes * MINUTE + LIFETIME_MARGIN_MS

    def _end(self, slot: Slot, now: int, why: str) -> None:
        """Marked as ended first: a machine that was heard of since the slot was read is left to the next sweep.

        It stays suspected, so that a sweep that dies in between is made good by the next one.
        """
        assert slot.instance_id
        if not self._store.slots.look_again_at(
            slot, now + LOOK_AGAIN_MS, suspected=True, note=f"ended by the sweep: {why}"
        ):
            return
        log.warning(
            "machine.ended", slot=slot.slot, instance_id=slot.instance_id, why=why, reported=slot.owner is not None
        )
        self._ec2.terminate_instances(InstanceIds=[slot.instance_id])

    def _free(self, slot: Slot, now: int, *, taken_back: bool = False) -> bool:
        """The machine is gone: whether it ever reported decides about the next one, unless EC2 took it back."""
        if not self._store.slots.free(slot):
            return False
        log.info("slot.freed", slot=slot.slot, instance_id=slot.instance_id, note=slot.note)
        if slot.owner is not None:
            self._store.fleet.good_boot()
            return True
        if taken_back:
            return True
        breaker = self._store.fleet.silent_boot(now + BREAK_MS)
        log.warning("machine.never_reported", slot=slot.slot, in_a_row=breaker.silent_boots, note=slot.note)
        if breaker.silent_boots >= SILENT_BOOTS:
            log.error("breaker.opened", until=breaker.open_until)
        return True

    def _end_stray(self, instance_id: str, now: int) -> bool:
        seen_at = self._store.fleet.mark_stray(instance_id, now)
        log.warning("machine.stray", instance_id=instance_id, seen_at=seen_at)
        if now - seen_at >= STRAY_MS:
            self._ec2.terminate_instances(InstanceIds=[instance_id])
        return False

    def _beat_ms(self) -> int:
        return round(self._settings.heartbeat_seconds * SECOND)

    def _machines(self) -> dict[str, Any]:
        """Our machines as EC2 knows them, by instance id; one that it has forgotten is gone."""
        filters = [{"Name": "tag:transcribe-deployment", "Values": [self._settings.deployment]}]
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=filters)  # type: ignore[arg-type] # TypedDict
        return {
            instance["InstanceId"]: instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }


def _launch_id(machine: Mapping[str, Any]) -> str | None:
    tags = {tag["Key"]: tag["Value"] for tag in machine.get("Tags", [])}
    return tags.get("transcribe-launch-id")


def _taken_back(machine: Mapping[str, Any] | None) -> bool:
    """Whether EC2 ended a spot machine; that says nothing about the image."""
    reason = (machine or {}).get("StateReason", {}).get("Code", "")
    return str(reason).startswith("Server.SpotInstance")
