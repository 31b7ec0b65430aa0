"""Shows the machines that work for the deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from services.cli.operator import deployment
from services.cli.printing import answer, note
from services.common.domain.machines import Slot
from services.common.domain.times import now_ms, rfc3339


def machines(context: typer.Context) -> None:
    """The machines that work for the deployment: the fleet's slots, bad ends of the last week, and own boxes."""
    store, now = deployment.store(), now_ms()
    slots = [_of_slot(slot, now) for slot in store.slots.all()]
    ends = [_of_end(name, end) for name, end in store.fleet.bad_ends().items()]
    boxes = [_of_box(box) for box in store.fleet.own_boxes(now)]
    found = {"slots": slots, "ended_badly": ends, "own_boxes": boxes}
    lines = [*map(_slot_line, slots), *map(_end_line, ends), *map(_box_line, boxes)]
    answer(found, *lines, json=context.obj.json)
    if not lines:
        note("No machine works now, and none has ended badly in the last week.")


def _of_slot(slot: Slot, now: int) -> dict[str, str | None]:
    return {
        "slot": slot.slot,
        "status": slot.status.value,
        "instance_id": slot.instance_id,
        "instance_type": slot.instance_type,
        "zone": slot.zone,
        "market": slot.market,
        "waits_until": rfc3339(slot.stay_until) if slot.stay_until > now else None,
        "note": slot.note,
    }


def _of_end(name: str, end: Mapping[str, Any]) -> dict[str, str | None]:
    about = {"slot": name, "ended_at": rfc3339(int(end["ended_at"])), "instance_id": end["instance_id"]}
    return {**about, "why": end["why"], "console": end.get("console")}


def _of_box(box: Mapping[str, Any]) -> dict[str, str]:
    return {"host": str(box["host"]), "until": rfc3339(int(box["until"]))}


def _slot_line(slot: dict[str, str | None]) -> str:
    where = f"{slot['instance_type'] or '?'} {slot['zone'] or '?'} {slot['market']}"
    waits = f"waits for work until {slot['waits_until']}  " if slot["waits_until"] else ""
    told = f"slot {slot['slot']}  {slot['status']}  {slot['instance_id'] or '-'}  {where}  {waits}{slot['note'] or ''}"
    return told.rstrip()


def _end_line(end: dict[str, str | None]) -> str:
    told = f"slot {end['slot']}  ended badly {end['ended_at']}  {end['instance_id']}  {end['why']}"
    return f"{told}  Its console: {end['console']}" if end["console"] else told


def _box_line(box: dict[str, str]) -> str:
    return f"own box {box['host']}  until {box['until']} unless it is heard of again"
