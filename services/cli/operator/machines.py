"""Shows the machines that work for the deployment."""

from __future__ import annotations

from services.cli.operator import deployment
from services.common.domain.times import now_ms, rfc3339


def machines() -> None:
    """Every machine of the fleet with its slot, the last one of each slot that ended badly, and people's own boxes."""
    store, now = deployment.store(), now_ms()
    for slot in store.slots.all():
        where = f"{slot.instance_type or '?'} {slot.zone or '?'} {slot.market}"
        waits = f"waits for work until {rfc3339(slot.stay_until)}  " if slot.stay_until > now else ""
        told = f"slot {slot.slot}  {slot.status.value}  {slot.instance_id or '-'}  {where}  {waits}{slot.note or ''}"
        print(told.rstrip())
    for name, end in store.fleet.bad_ends().items():
        told = f"slot {name}  ended badly {rfc3339(int(end['ended_at']))}  {end['instance_id']}  {end['why']}"
        print(f"{told}  Its console: {end['console']}" if end.get("console") else told)
    for box in store.fleet.own_boxes(now):
        print(f"own box {box['host']}  until {rfc3339(int(box['until']))} unless it is heard of again")
