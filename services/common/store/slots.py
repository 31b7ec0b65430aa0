"""Slots: the right to run a machine. There are as many as the operator allows, and a machine needs one before it is
launched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Slot
from services.common.domain.states import SlotStatus
from services.common.store.codec import from_item, to_item
from services.common.store.table import ABSENT, ConditionFailedError, Delete, Key, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.table import Table


def slot_key(slot: str) -> Key:
    return "SLOT", slot


def slot_name(number: int) -> str:
    return f"{number:02d}"


def _item(slot: Slot) -> dict[str, object]:
    pk, sk = slot_key(slot.slot)
    return to_item(slot, pk=pk, sk=sk, due_kind="slot")


def _same_launch(launch_id: str) -> ConditionBase:
    return Attr("launch_id").eq(launch_id)


class Slots:
    """The slot items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[Slot]:
        """Every slot that is taken (consistent read).

        Raises:
            UnknownVersionError: a slot cannot be read. Left out it would look free, and its machine like a stray.

        """
        return [from_item(Slot, item) for item in self._table.items("SLOT")]

    def get(self, slot: str) -> Slot | None:
        item = self._table.get(slot_key(slot))
        return from_item(Slot, item) if item else None

    def take(self, slot: Slot) -> bool:
        """Before the launch; False if it is taken: read again, never move on to another."""
        try:
            self._table.write(Put(item=_item(slot), when=ABSENT))
        except ConditionFailedError:
            return False
        return True

    def launched(
        self, slot: Slot, *, instance_id: str, instance_type: str, zone: str | None, now: int, due_at: int
    ) -> bool:
        """EC2 has named the machine."""
        return self._change(
            slot.slot,
            _same_launch(slot.launch_id) & Attr("instance_id").not_exists(),
            {
                "instance_id": instance_id,
                "instance_type": instance_type,
                "zone": zone,
                "times.launched": now,
                "due_at": due_at,
            },
        )

    def report(
        self,
        slot: str,
        launch_id: str,
        *,
        owner: str,
        beat: int,
        due_at: int,
        times: Mapping[str, int],
        note: str | None = None,
    ) -> dict[str, int] | None:
        """The machine is there and works; returns the stages of its launch and boot.

        None if the slot is no longer its own: then it should not be.
        """
        there = {"status": SlotStatus.RUNNING, "owner": owner, "beat": beat, "due_at": due_at, "note": note}
        reached = {f"times.{stage}": moment for stage, moment in times.items()}
        try:
            item = self._table.write(
                Update(key=slot_key(slot), when=_same_launch(launch_id), set=there | reached, remove=["suspected"])
            )
        except ConditionFailedError:
            return None
        return dict(item["times"])

    def leave(self, slot: str, launch_id: str, *, now: int, note: str | None = None) -> bool:
        """The machine takes no more work: it no longer counts as capacity, but still as a machine."""
        leaving = {"status": SlotStatus.LEAVING, "due_at": now, "times.leaving": now, "note": note}
        return self._change(slot, _same_launch(launch_id), leaving)

    def look_again_at(self, slot: Slot, due_at: int, *, suspected: bool = False, note: str | None = None) -> bool:
        """Nothing to do yet; the sweep comes back then. False if the machine was heard of meanwhile."""
        return self._change(
            slot.slot,
            _same_launch(slot.launch_id) & Attr("beat").eq(slot.beat) & Attr("status").eq(slot.status.value),
            {"due_at": due_at, "note": note or slot.note, "suspected": suspected or None},
        )

    def free(self, slot: Slot) -> bool:
        """Only once EC2 says that the machine is gone, or that it never came."""
        try:
            self._table.write(Delete(key=slot_key(slot.slot), when=_same_launch(slot.launch_id)))
        except ConditionFailedError:
            return False
        return True

    def _change(self, slot: str, when: ConditionBase, attributes: Mapping[str, Any]) -> bool:
        try:
            self._table.write(Update(key=slot_key(slot), when=when, set=attributes))
        except ConditionFailedError:
            return False
        return True
