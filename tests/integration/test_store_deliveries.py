"""A delivery is one sender's at a time: whoever has lost it writes nothing, and no try is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.records import Delivery
from services.common.domain.states import DeliveryStatus
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.deliveries import KEPT_TRIES
from services.common.store.operations import ConditionFailedError
from tests.support.world import World

ENTRY = {"at": 1, "outcome": "HTTP_STATUS"}
Write = Callable[[World, Delivery], Any]


def delivery_of(world: World) -> Delivery:
    (found,) = world.store.deliveries.of_job("job_1")
    return found


def pending(world: World) -> Delivery:
    world.completed(world.callback("https://hooks.example.com/"))
    return delivery_of(world)


def taken(world: World) -> Delivery:
    """A delivery that a sender is at, until in a minute."""
    mine = world.store.deliveries.take(pending(world), owner="sender", until=world.clock() + MINUTE_MS)
    assert mine
    return mine


def take(world: World, delivery: Delivery) -> Any:
    return world.store.deliveries.take(delivery, owner="late", until=world.clock() + MINUTE_MS)


def record(world: World, delivery: Delivery) -> Any:
    return world.store.deliveries.record(delivery, ENTRY, status=DeliveryStatus.PENDING, due_at=world.clock() + 5)


def postpone(world: World, delivery: Delivery) -> Any:
    return world.store.deliveries.postpone(delivery, world.clock() + 5)


def again(world: World, delivery: Delivery) -> Any:
    try:
        return not world.store.commit([world.store.deliveries.again(delivery, world.clock())])
    except ConditionFailedError:
        return False


RESTS_ON: dict[Write, list[tuple[str, object]]] = {
    take: [("status", "delivered"), ("attempts", 1), ("due_at", 1)],
    record: [("owner", "rival"), ("owner", None), ("attempts", 1)],
    postpone: [("status", "delivered"), ("attempts", 1), ("due_at", 1)],
}
CHANGED = [
    pytest.param(write, *change, id=f"{write.__name__}: {change[0]} {change[1]}")
    for write, changes in RESTS_ON.items()
    for change in changes
]


@pytest.mark.parametrize(("write", "name", "value"), CHANGED)
def test_nothing_is_written_about_a_delivery_that_has_changed_meanwhile(
    world: World, write: Write, name: str, value: object
) -> None:
    mine = taken(world)
    world.change(keys.of(mine), **{name: value})
    before = world.all_items()
    assert not write(world, mine)
    assert world.all_items() == before


@pytest.mark.parametrize("write", RESTS_ON, ids=lambda write: write.__name__)
def test_a_delivery_that_has_not_changed_can_be_written(world: World, write: Write) -> None:
    assert write(world, taken(world))


@pytest.mark.parametrize(("name", "value"), [("attempts", 2), ("status", "dropped"), ("owner", "rival")])
def test_a_redelivery_of_what_has_changed_meanwhile_is_none(world: World, name: str, value: object) -> None:
    tried = record(world, taken(world))
    world.change(keys.of(tried), **{name: value})
    before = world.all_items()
    assert not again(world, tried)
    assert world.all_items() == before


def test_a_redelivery_begins_anew_even_if_a_sender_died_at_it(world: World) -> None:
    tried = record(world, taken(world))
    world.change(keys.of(tried), owner="dead", due_at=world.clock(), status="pending")
    assert again(world, tried)
    fresh = delivery_of(world)
    assert (fresh.status, fresh.owner, fresh.due_at, fresh.attempts_before) == ("pending", None, world.clock(), 1)


def test_a_recorded_try_is_counted_kept_and_gives_the_delivery_up_to_the_next_sender(world: World) -> None:
    tried = record(world, taken(world))
    assert tried == delivery_of(world)
    assert (tried.attempts, tried.owner, tried.due_at) == (1, None, world.clock() + 5)
    assert list(tried.tries) == [ENTRY]


def test_a_delivery_that_is_over_is_due_no_more(world: World) -> None:
    over = world.store.deliveries.record(taken(world), ENTRY, status=DeliveryStatus.DELIVERED, due_at=None)
    assert over
    assert (over.status, over.due_at) == ("delivered", 0)
    assert list(world.store.deliveries.overdue(world.clock() * 2)) == []
    (item,) = [item for item in world.all_items() if item["sk"].startswith("DELIVERY#")]
    assert not {"owner", "due_at", "due_kind"} & set(item)


def test_a_ledger_keeps_its_latest_tries(world: World) -> None:
    mine = replace(taken(world), tries=[{"at": number} for number in range(KEPT_TRIES)])
    tried = record(world, mine)
    assert [entry["at"] for entry in tried.tries] == [*range(1, KEPT_TRIES), 1]


def test_a_postponed_delivery_is_nobodys_and_no_try_is_used_up(world: World) -> None:
    assert postpone(world, taken(world))
    after = delivery_of(world)
    assert (after.owner, after.attempts, after.due_at, after.status) == (None, 0, world.clock() + 5, "pending")


def test_what_its_sender_announces_is_that_senders_until_its_lease_is_over(world: World) -> None:
    callback = world.callback("https://hooks.example.com/")
    until = world.clock() + MINUTE_MS
    (made,) = world.completed(callback, sender="worker", sender_until=until)
    assert replace(made, tries=[]) == delivery_of(world)
    assert (made.owner, made.due_at) == ("worker", until)
    assert list(world.store.deliveries.overdue(until - 1)) == []
