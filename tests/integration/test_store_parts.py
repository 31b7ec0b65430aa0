"""A part is one worker's at a time. Every write asks for all that it rests on: one thing changed, and it is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.records import FIRST_PART, Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS
from services.common.store import keys
from services.common.store.leases import FencedError, JobChangedError
from tests.support.items import claim, job_of, part_of, queued, told, two_parts
from tests.support.world import World

JOB, PART = keys.job("job_1"), keys.part("job_1", FIRST_PART)
FAILURE = Outcome(error={"code": "INTERNAL", "message": "It broke.", "retryable": True})
Write = Callable[[World, Part, Job], Any]


def heartbeat(world: World, part: Part, job: Job) -> Any:
    return world.store.leases.heartbeat(part, lease_ends=world.clock() + HOUR_MS, on_device=True, progress=0.5)


def give_back(world: World, part: Part, job: Job) -> Any:
    return world.store.leases.give_back(part, due_at=0, job=job, interrupted=None)


def take_away(world: World, part: Part, job: Job) -> Any:
    return world.store.leases.take_away(part, now=0, job=job, interrupted=None)


def split(world: World, part: Part, job: Job) -> Any:
    return world.store.leases.split(part, job, [1.0, 2.0], due_at=0)


def finish(world: World, part: Part, job: Job) -> Any:
    ending = end(job, FAILURE, {"failed": world.clock()}, world.clock())
    return world.store.endings.finish(part, ending, world.announced(ending.after, EventType.FAILED))


def give_up(world: World, part: Part, job: Job) -> Any:
    ending = end(job, FAILURE, {"failed": world.clock()}, world.clock())
    return world.store.endings.give_up(part, ending, world.announced(ending.after, EventType.FAILED))


def finish_slice(world: World, part: Part, job: Job) -> Any:
    return world.store.endings.finish_slice(part, job, merge_due_at=0, cost={})


FENCE = [(PART, "attempt", 2), (PART, "owner", "rival"), (PART, "status", "canceled")]
UNSPLIT = [(JOB, "status", "canceled"), (JOB, "parts", 2)]
ANNOUNCED = [*UNSPLIT, (JOB, "sequence", 9)]
RESTS_ON: dict[Write, list[tuple[Any, str, object]]] = {
    heartbeat: FENCE,
    give_back: [*FENCE, *ANNOUNCED],
    take_away: [*FENCE, *ANNOUNCED, (PART, "beat", 1)],
    split: [*FENCE, *UNSPLIT],
    finish: [*FENCE, *ANNOUNCED],
    give_up: [*FENCE, *ANNOUNCED, (PART, "beat", 1)],
    finish_slice: [*FENCE, (JOB, "status", "canceled"), (JOB, "parts_done", 1)],
}
"""What may have changed, alone, since the worker or the sweep has read part and job."""
CHANGED = [
    pytest.param(write, *change, id=f"{write.__name__}: {change[0][1]} {change[1]}")
    for write, changes in RESTS_ON.items()
    for change in changes
]


@pytest.mark.parametrize(("write", "key", "name", "value"), CHANGED)
def test_nothing_is_written_about_a_part_or_its_job_that_has_changed_meanwhile(
    world: World, write: Write, key: tuple[str, str], name: str, value: object
) -> None:
    job, part = world.claimed(queued(world))
    world.change(key, **{name: value})
    before = world.all_items()
    with suppress(FencedError, JobChangedError):
        assert not write(world, part, job)
    assert world.all_items() == before


@pytest.mark.parametrize("write", RESTS_ON, ids=lambda write: write.__name__)
def test_what_has_not_changed_can_be_written(world: World, write: Write) -> None:
    job, part = world.claimed(queued(world))
    before = world.all_items()
    write(world, part, job)
    assert world.all_items() != before


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [(PART, "status", "canceled"), (PART, "attempt", 1), (JOB, "status", "canceled"), (JOB, "parts", 2)],
)
def test_a_part_is_claimed_only_as_it_was_read_and_for_a_job_that_agrees(
    world: World, key: tuple[str, str], name: str, value: object
) -> None:
    job = queued(world)
    part = part_of(world)
    world.change(key, **{name: value})
    before = world.all_items()
    assert not world.store.leases.claim(part, job, owner="worker", lease_ends=0, started=None, times={})
    assert world.all_items() == before


def test_an_attempts_number_is_given_out_once(world: World) -> None:
    job = queued(world)
    seen_before = part_of(world)
    give_back(world, claim(world, seen_before), job)
    again = world.store.leases.claim(seen_before, job, owner="late", lease_ends=0, started=None, times={})
    assert again is None, "its results would lie in the first attempt's folder"
    assert claim(world, part_of(world)).attempt == 2


def test_a_claim_is_stored_as_its_worker_has_it_so_that_the_first_beat_moves_the_counter(world: World) -> None:
    job, first = world.claimed(queued(world))
    give_back(world, heartbeat(world, first, job), job)
    mine = claim(world, part_of(world))
    assert part_of(world) == replace(mine, on_device=False)
    assert mine.beat == 0


def test_a_claimed_part_has_left_the_queue_and_is_overdue_when_its_lease_is(world: World) -> None:
    world.claimed(queued(world))
    assert list(world.store.parts.queue()) == []
    assert list(world.store.parts.overdue(world.clock() + MINUTE_MS - 1)) == []
    (overdue,) = world.store.parts.overdue(world.clock() + MINUTE_MS)
    assert overdue.part_id == FIRST_PART


def test_a_claim_ends_the_waiting_of_its_job_and_notes_its_times(world: World) -> None:
    job = queued(world)
    world.store.jobs.waits(job.job_id, "capacity", "EC2 has none.")
    world.store.leases.claim(part_of(world), job, owner="w", lease_ends=0, started=None, times={"claimed": 7})
    after = job_of(world)
    assert (after.status, after.waiting, after.waiting_reason) == (JobStatus.RUNNING, None, None)
    assert after.times == {**job.times, "claimed": 7}


def test_a_heartbeat_is_stored_as_its_worker_has_it(world: World) -> None:
    job, part = world.claimed(queued(world))
    assert heartbeat(world, heartbeat(world, part, job), job) == part_of(world)
    assert part_of(world).beat == 2


@pytest.mark.parametrize("counted", ["deaths", "losses", None])
def test_a_part_that_is_given_back_waits_its_turn_with_one_more_count_and_without_its_worker(
    world: World, counted: str | None
) -> None:
    job, part = world.claimed(queued(world))
    part = replace(heartbeat(world, part, job), progress=0.75)
    world.store.leases.give_back(part, due_at=5, job=job, interrupted=None, counted=counted, not_before=9)
    (back,) = world.store.parts.queue()
    assert (back.status, back.owner, back.on_device) == (PartStatus.QUEUED, None, False)
    assert (back.due_at, back.not_before, back.progress) == (5, 9, 0.75)
    assert (back.deaths, back.losses) == (int(counted == "deaths"), int(counted == "losses"))
    assert job_of(world).status is JobStatus.QUEUED


@pytest.mark.parametrize(("on_device", "deaths", "losses"), [(True, 1, 0), (False, 0, 1)])
def test_a_silent_workers_part_is_blamed_only_if_it_was_on_the_device(
    world: World, *, on_device: bool, deaths: int, losses: int
) -> None:
    job, part = world.claimed(queued(world))
    part = world.store.leases.heartbeat(part, lease_ends=0, on_device=on_device, progress=0.5)
    assert take_away(world, part, job)
    (away,) = world.store.parts.queue()
    assert (away.owner, away.on_device, away.deaths, away.losses) == (None, False, deaths, losses)
    assert job_of(world).status is JobStatus.QUEUED


def test_a_part_of_several_that_is_given_back_leaves_its_job_running(world: World) -> None:
    mine, _ = two_parts(world)
    world.store.leases.give_back(mine, due_at=0, job=None, interrupted=None)
    assert job_of(world).status is JobStatus.RUNNING
    assert [part.part_id for part in world.store.parts.queue()] == [FIRST_PART]


@pytest.mark.parametrize(("name", "value"), [("attempt", 2), ("due_at", 1), ("status", "done")])
def test_a_part_that_is_another_by_now_is_not_closed(world: World, name: str, value: object) -> None:
    world.claimed(queued(world))
    part = part_of(world)
    world.change(PART, **{name: value})
    before = world.all_items()
    assert not world.store.leases.close(part)
    assert world.all_items() == before


def test_a_part_that_is_closed_is_due_to_nobody_and_nobodys(world: World) -> None:
    world.claimed(queued(world))
    assert world.store.leases.close(part_of(world))
    (item,) = [item for item in world.all_items() if item["sk"] == FIRST_PART]
    assert item["status"] == "canceled"
    assert not {"owner", "due_at", "due_kind"} & set(item)


def test_a_split_keeps_the_first_part_and_queues_the_others_whom_the_job_agrees_with(world: World) -> None:
    mine, other = two_parts(world)
    assert (mine.parts, mine.seconds, job_of(world).parts) == (2, 10.0, 2)
    assert part_of(world) == mine
    assert (other.parts, other.seconds, other.client_id, other.attempt) == (2, 20.0, "alice", 1)
    assert other.expires_at == mine.expires_at


def test_a_split_overwrites_no_part_that_is_there(world: World) -> None:
    job, part = world.claimed(queued(world))
    world.change(keys.part("job_1", "PART#0001"), status="done")
    with pytest.raises(FencedError):
        split(world, part, job)
    assert job_of(world).parts == 1


@pytest.mark.parametrize("write", [give_back, split, finish], ids=lambda write: write.__name__)
def test_what_is_done_already_is_done_and_not_done_again(world: World, write: Write) -> None:
    """The reply was lost, and the worker asks again."""
    job, part = world.claimed(queued(world))
    write(world, part, job)
    before = world.all_items()
    write(world, part, job)
    assert world.all_items() == before


def test_a_start_is_told_once_however_many_claims_would_tell_it(world: World) -> None:
    job = queued(world)
    running = replace(job, status=JobStatus.RUNNING)
    for _ in range(2):
        started = world.announced(running, EventType.STARTED)
        mine = world.store.leases.claim(part_of(world), job, owner="w", lease_ends=0, started=started, times={})
        if mine:
            give_back(world, mine, job_of(world))
    assert told(world, EventType.STARTED) == 1


def test_a_part_whose_rest_ends_now_has_its_turn_now(world: World) -> None:
    queued(world)
    world.change(PART, not_before=world.clock())
    assert [part.job_id for part in world.store.parts.ready(world.clock(), 10)] == ["job_1"]
    assert list(world.store.parts.ready(world.clock() - 1, 10)) == []
