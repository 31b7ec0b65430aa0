"""Every change of a slot. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from services.common.domain.lifecycle.change import Change, UnreadChange
from services.common.domain.machines import Slot
from services.common.domain.states import SlotTransition


def name(slot: Slot, *, instance_id: str, instance_type: str, zone: str | None, now: int, due_at: int) -> Change[Slot]:
    """EC2 has launched the machine, which must have reported by `due_at`."""
    fields = {"instance_id": instance_id, "instance_type": instance_type, "zone": zone, "due_at": due_at}
    return Change(before=slot, transition=SlotTransition.NAME, set={**fields, "times.launched": now})


def look_again(slot: Slot, due_at: int, *, suspected: bool, note: str | None) -> Change[Slot]:
    """The sweep will look at the slot again at `due_at`."""
    fields = {"due_at": due_at, "note": note or slot.note, "suspected": suspected or None}
    return Change(before=slot, transition=SlotTransition.LOOK_AGAIN, set=fields)


def stay(slot: Slot, until: int) -> Change[Slot]:
    """Work is expected: the machine waits for it until then, even if it has been idle for long."""
    return Change(before=slot, transition=SlotTransition.STAY, set={"stay_until": until})


def report(*, owner: str, beat: int, due_at: int, note: str | None, times: Mapping[str, int]) -> UnreadChange:
    """The machine is there and works: its heartbeat, and the stages of its boot. It knows its slot, not the item."""
    there = {"owner": owner, "beat": beat, "due_at": due_at, "note": note, "suspected": None}
    reached = {f"times.{stage}": moment for stage, moment in times.items()}
    return UnreadChange(transition=SlotTransition.REPORT, set={**there, **reached})


def leave(now: int, note: str | None) -> UnreadChange:
    """The machine takes no more work."""
    return UnreadChange(transition=SlotTransition.LEAVE, set={"due_at": now, "times.leaving": now, "note": note})
