"""What the orchestrator knows of a machine is what the machine last said of itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from services.common.domain.machines import Slot
from services.common.domain.states import SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.presence import LEASES, Presence
from services.gpu_worker.settings import WorkerSettings
from tests.support.world import BUCKET, TABLE, World

SETTINGS = WorkerSettings(
    table_name=TABLE, bucket_name=BUCKET, deployment="test", secrets_key_id="key", models=("whisper-base",)
)


def in_slot(world: World) -> Presence:
    """A machine of the fleet, after its boot."""
    world.store.slots.take(
        Slot(slot="00", status=SlotStatus.LAUNCHING, launch_id="launch_1", request={}, taken_at=world.clock())
    )
    identity = Identity(owner="worker_1", machine=None, slot="00", launch_id="launch_1", market="spot")
    presence = Presence(world.store, identity, SETTINGS, world.clock)
    presence.reached("ready")
    presence.beat()
    return presence


def slot_of(world: World) -> Slot:
    slot = world.store.slots.get("00")
    assert slot
    return slot


def test_a_machine_is_heard_of_with_every_beat_and_tells_the_stages_of_its_boot(world: World) -> None:
    presence = in_slot(world)
    presence.beat()
    slot = slot_of(world)
    lease_ends = world.clock() + LEASES * SETTINGS.lease_seconds * SECOND_MS
    assert (slot.status, slot.owner, slot.beat, slot.due_at) == (SlotStatus.RUNNING, "worker_1", 2, lease_ends)
    assert slot.times == presence.machine_times() == {"ready": world.clock()}


def test_a_machine_that_leaves_says_nothing_that_makes_it_capacity_again(world: World) -> None:
    presence = in_slot(world)
    presence.leave("nothing to do")
    presence.beat()
    assert (slot_of(world).status, slot_of(world).note) == (SlotStatus.LEAVING, "nothing to do")


def test_a_beat_at_the_moment_of_leaving_does_not_take_it_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    presence = in_slot(world)
    real = world.store.slots.leave

    def leave(*arguments: Any, **named: Any) -> bool:
        done = real(*arguments, **named)
        presence.beat()
        return done

    monkeypatch.setattr(world.store.slots, "leave", leave)
    presence.leave("nothing to do")
    assert slot_of(world).status is SlotStatus.LEAVING


def test_a_beat_that_is_under_way_when_the_machine_leaves_does_not_take_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats and worker are two threads: the beat has begun, and arrives after the shutdown was told."""
    presence = in_slot(world)
    real = world.store.slots.report
    leaving = threading.Thread(target=presence.leave, args=("nothing to do",))

    def report(*arguments: Any, **named: Any) -> Any:
        leaving.start()
        leaving.join(0.3)  # long enough for whoever does not wait for the beat's end
        return real(*arguments, **named)

    monkeypatch.setattr(world.store.slots, "report", report)
    presence.beat()
    leaving.join(10)
    assert slot_of(world).status is SlotStatus.LEAVING


def test_a_beat_that_waited_for_the_departure_to_be_told_says_nothing_after_it(world: World) -> None:
    presence = in_slot(world)
    left = ["nothing to do"]

    class Contended:
        """The worker's thread was faster."""

        def __enter__(self) -> None:
            if left:
                presence.leave(left.pop())

        def __exit__(self, *_: object) -> None:
            """Nobody else waits."""

    turn: Any = Contended()
    presence._lock = turn
    presence.beat()
    assert slot_of(world).status is SlotStatus.LEAVING


def test_a_machine_that_stays_after_all_is_capacity_again(world: World) -> None:
    presence = in_slot(world)
    presence.leave("nothing to do")
    presence.stay()
    presence.beat()
    assert (slot_of(world).status, slot_of(world).beat) == (SlotStatus.RUNNING, 3)


def test_a_machine_whose_slot_is_anothers_knows_that_it_should_not_be(world: World) -> None:
    presence = in_slot(world)
    world.change(("SLOT", "00"), launch_id="launch_2", owner="worker_2")
    assert not presence.lost
    presence.beat()
    assert presence.lost
    assert slot_of(world).owner == "worker_2"


def test_a_machine_that_nobody_can_be_told_of_goes_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    presence = in_slot(world)

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb.example.com")

    monkeypatch.setattr(world.store.slots, "leave", unreachable)
    presence.try_to_leave("spot notice")
    presence.beat()
    assert slot_of(world).beat == 1, "and says nothing more"


def test_a_persons_own_box_is_seen_while_it_works_and_takes_no_slot(world: World) -> None:
    identity = Identity(owner="worker_1", machine=None, slot=None, launch_id=None, market="own")
    presence = Presence(world.store, identity, SETTINGS, world.clock)
    fleet = world.store.fleet

    presence.beat()
    (box,) = fleet.own_boxes(world.clock())
    assert (box["sk"], box["beat"]) == ("OWN#worker_1", 1)
    assert world.store.slots.all() == []
    assert fleet.own_boxes(world.clock() + 5 * MINUTE_MS) == [], "one that fell silent is there no more"

    presence.leave("nothing to do")
    assert fleet.own_boxes(world.clock()) == []
    presence.beat()
    assert fleet.own_boxes(world.clock()) == [], "a late beat does not bring it back"
    presence.stay()
    assert len(fleet.own_boxes(world.clock())) == 1
