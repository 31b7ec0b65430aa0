"""A slot is one launch's; what one launch, or one look, knows of it changes nothing of the next one's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.machines import Slot
from services.common.domain.states import SlotStatus
from services.common.domain.times import DAY_MS, MINUTE_MS
from services.common.store import keys
from tests.support.world import World

Write = Callable[[World, Slot], Any]
KEY = keys.slot("00")


def taken(world: World, launch_id: str = "launch_1") -> Slot:
    slot = Slot(
        slot="00",
        status=SlotStatus.LAUNCHING,
        launch_id=launch_id,
        request={"slot": "00"},
        taken_at=world.clock(),
        due_at=world.clock() + MINUTE_MS,
        times={"capacity_asked": 1},
    )
    assert world.store.slots.take(slot)
    return slot


def slot_of(world: World) -> Slot:
    slot = world.store.slots.get("00")
    assert slot
    return slot


def launched(world: World, slot: Slot, instance_id: str = "i-1") -> Any:
    return world.store.slots.launched(slot, instance_id=instance_id, instance_type="g4", zone="a", now=2, due_at=3)


def report(world: World, slot: Slot) -> Any:
    return world.store.slots.report(
        slot.slot, slot.launch_id, owner="worker", beat=1, due_at=4, times={"ready": 5}, note=None
    )


def leave(world: World, slot: Slot) -> Any:
    return world.store.slots.leave(slot.slot, slot.launch_id, now=6, note="done")


def look_again(world: World, slot: Slot) -> Any:
    return world.store.slots.look_again_at(slot, 7, suspected=True, note="silent")


def stay(world: World, slot: Slot) -> Any:
    return world.store.slots.stay(slot, 8)


def free(world: World, slot: Slot) -> Any:
    return world.store.slots.free(slot)


RESTS_ON: dict[Write, list[tuple[str, object]]] = {
    launched: [("launch_id", "launch_2"), ("instance_id", "i-0")],
    report: [("launch_id", "launch_2")],
    leave: [("launch_id", "launch_2")],
    look_again: [("launch_id", "launch_2"), ("beat", 1), ("status", "leaving")],
    stay: [("launch_id", "launch_2"), ("status", "leaving")],
    free: [("launch_id", "launch_2")],
}
CHANGED = [
    pytest.param(write, *change, id=f"{write.__name__}: {change[0]}")
    for write, changes in RESTS_ON.items()
    for change in changes
]


@pytest.mark.parametrize(("write", "name", "value"), CHANGED)
def test_nothing_is_written_about_a_slot_that_has_changed_meanwhile(
    world: World, write: Write, name: str, value: object
) -> None:
    slot = taken(world)
    world.change(KEY, **{name: value})
    before = world.all_items()
    assert not write(world, slot)
    assert world.all_items() == before


@pytest.mark.parametrize("write", RESTS_ON, ids=lambda write: write.__name__)
def test_nothing_is_written_about_a_slot_that_is_free(world: World, write: Write) -> None:
    slot = taken(world)
    free(world, slot)
    assert not write(world, slot)
    assert world.all_items() == []


def test_a_slot_that_is_taken_is_not_taken_by_another(world: World) -> None:
    slot = taken(world)
    assert not world.store.slots.take(replace(slot, launch_id="launch_2"))
    assert slot_of(world) == slot


def test_a_machine_that_ec2_has_named_stays_the_slots_machine(world: World) -> None:
    slot = taken(world)
    assert launched(world, slot)
    assert not launched(world, slot, "i-2")
    named = slot_of(world)
    assert (named.instance_id, named.instance_type, named.zone, named.due_at) == ("i-1", "g4", "a", 3)
    assert named.times == {"capacity_asked": 1, "launched": 2}


def test_a_machines_report_makes_it_capacity_and_clears_the_suspicion(world: World) -> None:
    slot = taken(world)
    assert look_again(world, slot)
    assert slot_of(world).suspected
    assert report(world, slot).times == {"capacity_asked": 1, "ready": 5}
    found = slot_of(world)
    assert (found.status, found.owner, found.beat, found.due_at) == (SlotStatus.RUNNING, "worker", 1, 4)
    assert not found.suspected


def test_a_machine_that_leaves_is_due_at_once_and_keeps_its_slot(world: World) -> None:
    slot = taken(world)
    report(world, slot)
    assert leave(world, slot)
    found = slot_of(world)
    assert (found.status, found.due_at, found.times["leaving"], found.note) == (SlotStatus.LEAVING, 6, 6, "done")
    assert found.owner == "worker"


def test_a_look_without_a_suspicion_takes_an_earlier_one_back_and_keeps_the_machines_words(world: World) -> None:
    slot = taken(world)
    look_again(world, slot)
    assert world.store.slots.look_again_at(slot_of(world), 9)
    found = slot_of(world)
    assert (found.due_at, found.suspected, found.note) == (9, False, "silent")


def test_silent_boots_are_counted_in_a_row_until_a_machine_reports(world: World) -> None:
    fleet = world.store.fleet
    assert [fleet.silent_boot(10).silent_boots, fleet.silent_boot(20).silent_boots] == [1, 2]
    fleet.good_boot()
    breaker = fleet.breaker()
    assert breaker
    assert (breaker.silent_boots, breaker.open_until) == (0, 20)
    assert fleet.silent_boot(30).silent_boots == 1


def test_a_good_boot_that_nothing_went_before_writes_nothing(world: World) -> None:
    world.store.fleet.good_boot()
    assert world.all_items() == []


def test_a_stray_keeps_the_time_when_it_was_first_seen(world: World) -> None:
    fleet = world.store.fleet
    assert fleet.mark_stray("i-1", 100) == 100
    assert fleet.mark_stray("i-1", 200) == 100
    assert fleet.mark_stray("i-2", 200) == 200
    assert {item["expires_at"] for item in world.all_items()} == {DAY_MS // 1_000}
