"""The machine of a world that has one: how it comes, its slot, and its word that it is there."""

from __future__ import annotations

from services.common.domain.machines import Slot
from services.common.domain.times import MINUTE_MS
from tests.support.step_world import StepWorld


def with_a_machine(world: StepWorld) -> Slot:
    """A recording is queued, and its machine launched."""
    world.upload()
    world.serve_queue()
    return the_slot(world)


def the_slot(world: StepWorld) -> Slot:
    """The only one that is taken."""
    (slot,) = world.store.slots.all()
    return slot


def report(world: StepWorld, slot: Slot | None = None, *, beat: int = 1) -> None:
    """The slot's machine is up, or still there."""
    told, due_at = slot or the_slot(world), world.now + 2 * MINUTE_MS
    world.store.slots.report(told.slot, told.launch_id, owner="worker", beat=beat, due_at=due_at, times={})
