"""What works for the deployment right now."""

from __future__ import annotations

from services.cli import deployment
from services.common.domain.clock import now_ms, rfc3339


def machines() -> None:
    """Every machine of the fleet with its slot, and every box of somebody's own."""
    store = deployment.store()
    for slot in store.slots.all():
        where = f"{slot.instance_type or '?'} {slot.zone or '?'} {slot.market}"
        print(f"slot {slot.slot}  {slot.status.value}  {slot.instance_id or '-'}  {where}  {slot.note or ''}".rstrip())
    for box in store.fleet.own_boxes(now_ms()):
        print(f"own box {box['host']}  until {rfc3339(int(box['until']))} unless it is heard of again")
