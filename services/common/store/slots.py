"""Slots: each is the right to run one machine.

There are as many as the operator allows machines, and a machine takes its slot before it is launched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.lifecycle import slot_changes
from services.common.domain.machines import Slot
from services.common.store import keys
from services.common.store.changes import same, update, update_unread
from services.common.store.codec import from_item
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, ConditionFailedError, Delete, Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.store.table import Table


@dataclass(frozen=True, kw_only=True)
class SlotNews:
    """What a machine is told in reply to its report."""

    times: Mapping[str, int]
    """All stages of the launch and the boot, epoch milliseconds."""
    stay_until: int
    """Until when it waits for work that is expected, epoch milliseconds; 0: none is."""


def slot_name(number: int) -> str:
    return f"{number:02d}"


class Slots:
    """The slot items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[Slot]:
        """Every slot that is taken (consistent read).

        Raises:
            UnknownVersionError: a slot cannot be read. If it were left out, it would look free, and its machine would
                look like one without a slot.

        """
        return [from_item(Slot, item) for item in self._table.items(keys.SLOTS)]

    def get(self, slot: str) -> Slot | None:
        item = self._table.get(keys.slot(slot))
        return from_item(Slot, item) if item else None

    def take(self, slot: Slot) -> bool:
        """Take a slot before the launch; False if it is taken already.

        The caller then reads the slots again. It must not go on to the next slot, which might be one too many.
        """
        return self._table.attempt(Put(item=item_of(slot), when=ABSENT))

    def launched(
        self, slot: Slot, *, instance_id: str, instance_type: str, zone: str | None, now: int, due_at: int
    ) -> bool:
        """Store the machine that EC2 has launched for the slot.

        Returns False if the slot has one already or is another launch's.
        """
        naming = slot_changes.name(
            slot, instance_id=instance_id, instance_type=instance_type, zone=zone, now=now, due_at=due_at
        )
        return self._table.attempt(update(naming, same(slot, "launch_id") & Attr("instance_id").not_exists()))

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
    ) -> SlotNews | None:
        """Write a machine's report, its heartbeat.

        Args:
            slot: its name.
            launch_id: the machine's launch.
            owner: the worker, one name per boot.
            beat: the heartbeat counter.
            due_at: when the lease ends, epoch milliseconds.
            times: the stages of the boot that were reached, epoch milliseconds.
            note: for people.

        Returns:
            What the slot holds for the machine. None if the slot is free or another machine's: then this machine must
            end.

        """
        report = slot_changes.report(owner=owner, beat=beat, due_at=due_at, note=note, times=times)
        try:
            item = self._table.write(update_unread(keys.slot(slot), report, Attr("launch_id").eq(launch_id)))
        except ConditionFailedError:
            return None
        # Not the whole record: a newer release may have added to it while this machine runs.
        return SlotNews(times=dict(item["times"]), stay_until=int(item.get("stay_until", 0)))

    def leave(self, slot: str, launch_id: str, *, now: int, note: str | None = None) -> bool:
        """Mark the slot as leaving: the machine takes no more work. It keeps the slot until it is gone."""
        leaving = slot_changes.leave(now, note)
        return self._table.attempt(update_unread(keys.slot(slot), leaving, Attr("launch_id").eq(launch_id)))

    def stay(self, slot: Slot, until: int) -> bool:
        """Tell the machine to wait for work until then, epoch milliseconds; False if it leaves or is another by now."""
        return self._table.attempt(update(slot_changes.stay(slot, until), same(slot, "launch_id")))

    def look_again_at(self, slot: Slot, due_at: int, *, suspected: bool = False, note: str | None = None) -> bool:
        """Let the sweep look at the slot again at `due_at`; False if a report came since the slot was read."""
        looking = slot_changes.look_again(slot, due_at, suspected=suspected, note=note)
        return self._table.attempt(update(looking, same(slot, "launch_id", "beat", "status")))

    def free(self, slot: Slot) -> bool:
        """Free a slot, once EC2 says that its machine is gone or was never launched.

        Returns False if it is another launch's by now.
        """
        return self._table.attempt(Delete(key=keys.of(slot), when=same(slot, "launch_id")))
