"""A write whose answer was lost is made again, under another name: it meets its own success and knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.machines import Slot
from services.common.domain.records import FIRST_PART
from services.common.domain.states import JobStatus, PartStatus, SlotStatus
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.slots import SlotNews
from tests.support.items import job_of, part_of, queued, told, two_parts
from tests.support.world import World

FAILURE = Outcome(error={"code": "INTERNAL", "message": "It broke.", "retryable": True})
Write = Callable[[], Any]


def twice(world: World, write: Write) -> tuple[Any, Any]:
    """What two writes give; the second changes nothing but the names under which they were made."""
    first = write()
    before = nameless(world)
    second = write()
    assert nameless(world) == before
    return first, second


def nameless(world: World) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "write_id"} for item in world.all_items()]


def claiming(world: World, owner: str = "worker", attempt: int = 0) -> Write:
    job, part = queued(world), replace(part_of(world), attempt=attempt)
    event = world.announced(replace(job, status=JobStatus.RUNNING), EventType.STARTED)
    leases = iter(range(world.clock() + MINUTE_MS, world.clock() + 2 * MINUTE_MS))
    return lambda: world.store.leases.claim(
        part, job, owner=owner, lease_ends=next(leases), started=event, times={"claimed": world.clock()}
    )


def test_a_claim_that_is_made_again_is_ours_with_the_lease_that_the_table_has(world: World) -> None:
    first, second = twice(world, claiming(world))
    assert second == replace(first, on_device=False)
    assert second.due_at == world.clock() + MINUTE_MS
    assert told(world, EventType.STARTED) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("owner", "rival"), ("attempt", 2), ("status", PartStatus.QUEUED), ("status", PartStatus.DONE)]
)
def test_a_claim_that_meets_anothers_or_what_has_ended_is_not_ours(world: World, name: str, value: object) -> None:
    write = claiming(world)
    assert write()
    world.change(keys.part("job_1", FIRST_PART), **{name: value})
    assert write() is None


def test_a_claim_of_a_job_that_was_canceled_before_it_is_not_ours(world: World) -> None:
    write = claiming(world)
    world.change(("JOB#job_1", "JOB"), status=JobStatus.CANCELED)
    assert write() is None


@pytest.mark.parametrize("counted", [None, "losses"])
def test_a_part_that_is_given_back_again_is_counted_once(world: World, counted: str | None) -> None:
    job, part = world.claimed(queued(world))
    event = world.announced(replace(job, status=JobStatus.QUEUED), EventType.INTERRUPTED)
    twice(world, lambda: world.store.leases.give_back(part, due_at=7, job=job, interrupted=event, counted=counted))
    assert (part_of(world).status, part_of(world).losses) == (PartStatus.QUEUED, int(counted is not None))


def test_a_recording_that_is_cut_again_has_its_parts_once(world: World) -> None:
    job, part = world.claimed(queued(world))
    first, second = twice(world, lambda: world.store.leases.split(part, job, [10.0, 20.0], due_at=world.clock()))
    assert first == second


def test_a_job_that_ends_again_has_ended_once(world: World) -> None:
    job, part = world.claimed(queued(world))
    ending = end(job, FAILURE, {"failed": world.clock()}, world.clock())
    event = world.announced(ending.after, EventType.FAILED)
    twice(world, lambda: world.store.endings.finish(part, ending, event))
    assert (job_of(world).status, told(world, EventType.FAILED)) == (JobStatus.FAILED, 1)


def test_a_part_that_is_finished_again_with_its_job_read_anew_is_finished(world: World) -> None:
    one, _ = two_parts(world)
    first, second = twice(
        world, lambda: world.store.endings.finish_slice(one, job_of(world), merge_due_at=world.clock(), cost={})
    )
    assert (first, second, job_of(world).parts_done) == (True, True, 1)


def test_a_machine_that_reports_and_leaves_again_does_so_once(world: World) -> None:
    slots = world.store.slots
    slots.take(Slot(slot="00", status=SlotStatus.LAUNCHING, launch_id="l", request={}, taken_at=1, times={}))
    report = {"owner": "worker", "beat": 1, "due_at": 9, "times": {"ready": 5}}
    news = SlotNews(times={"ready": 5}, stay_until=0)
    assert twice(world, lambda: slots.report("00", "l", **report)) == (news, news)  # type: ignore[arg-type] # as named
    assert twice(world, lambda: slots.leave("00", "l", now=7, note="spot notice")) == (True, True)


def test_a_persons_own_box_is_there_and_gone_once(world: World) -> None:
    twice(world, lambda: world.store.fleet.present("worker", host="h", beat=1, until=world.clock() + MINUTE_MS))
    twice(world, lambda: world.store.fleet.absent("worker"))
    assert world.store.fleet.own_boxes(world.clock()) == []
