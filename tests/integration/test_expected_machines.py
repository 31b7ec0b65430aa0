"""Machines that are wanted although nothing is queued: as many as are expected, for as long as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.domain.times import MINUTE_MS
from services.orchestrator.expected import Expected
from services.orchestrator.fleet import Fleet
from tests.support.step_world import StepWorld, step_world


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world(max_workers=3) as made:
        yield made


def fleet(world: StepWorld) -> Fleet:
    return world.orchestrator().fleet


def stays(world: StepWorld) -> list[int]:
    return [slot.stay_until for slot in world.store.slots.all()]


def test_as_many_machines_come_as_are_expected_and_no_more_than_the_operator_allows(world: StepWorld) -> None:
    fleet(world).ensure(world.now, expected=Expected(machines=2, stay_until=9))
    assert stays(world) == [9, 9]
    fleet(world).ensure(world.now, expected=Expected(machines=5, stay_until=9))
    assert stays(world) == [9, 9, 9]
    assert len(world.ec2.running) == 3


def test_a_machine_that_is_there_serves_and_is_told_how_long(world: StepWorld) -> None:
    world.upload("uploads/a.wav")
    world.serve_queue()
    assert stays(world) == [0]
    fleet(world).ensure(world.now, expected=Expected(machines=1, stay_until=world.now + MINUTE_MS))
    assert stays(world) == [world.now + MINUTE_MS]
    assert len(world.ec2.running) == 1


def test_only_the_lowest_slots_are_told_to_stay_and_none_for_less_time_than_before(world: StepWorld) -> None:
    fleet(world).ensure(world.now, expected=Expected(machines=2, stay_until=9))
    fleet(world).ensure(world.now, expected=Expected(machines=1, stay_until=12))
    assert stays(world) == [12, 9]
    fleet(world).ensure(world.now, expected=Expected(machines=2, stay_until=11))
    assert stays(world) == [12, 11]


def test_a_machine_that_leaves_is_replaced_while_one_is_expected(world: StepWorld) -> None:
    fleet(world).ensure(world.now, expected=Expected(machines=1, stay_until=9))
    (slot,) = world.store.slots.all()
    world.store.slots.leave(slot.slot, slot.launch_id, now=world.now)
    fleet(world).ensure(world.now, expected=Expected(machines=1, stay_until=12))
    assert stays(world) == [9, 12]
