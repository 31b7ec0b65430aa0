"""How jobs end, and what a client does to one: once, with everything that belongs to it, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.records import FIRST_PART, MERGE_PART, Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import commands, keys
from services.common.store.leases import FencedError
from services.common.store.operations import ConditionFailedError
from tests.support.items import claim, job_of, part_of, queued, told, two_parts
from tests.support.world import World

JOB, PART = keys.job("job_1"), keys.part("job_1", FIRST_PART)
FAILURE = Outcome(error={"code": "INTERNAL", "message": "It broke.", "retryable": True})


def finish_slice(world: World, part: Part, job: Job) -> bool:
    return world.store.endings.finish_slice(part, job, merge_due_at=world.clock(), cost={})


def failed(world: World) -> Job:
    world.ended(queued(world), FAILURE)
    return job_of(world)


def cancel(world: World, job: Job, parts: list[Part]) -> None:
    change = job_changes.cancel(job, world.clock(), seen=0)
    world.store.commit(commands.canceled(change, parts, world.announced(change.after, EventType.CANCELED)))


def retry(world: World, job: Job, parts: list[Part]) -> None:
    change = job_changes.retry(job, world.clock())
    announcement = world.announced(change.after, EventType.QUEUED)
    world.store.commit(commands.retried(change, parts, announcement, world.clock()))


Command = Callable[[World, Job, list[Part]], None]


def test_of_two_parts_that_finish_at_once_the_second_reads_again_and_makes_the_merge_due(world: World) -> None:
    one, other = two_parts(world)
    seen_by_both = job_of(world)
    assert finish_slice(world, one, seen_by_both)
    assert not finish_slice(world, other, seen_by_both)
    assert finish_slice(world, other, job_of(world))
    assert [part.part_id for part in world.store.parts.queue()] == [MERGE_PART]


def test_the_merge_begins_with_a_clean_slate_whatever_the_last_part_went_through(world: World) -> None:
    one, other = two_parts(world)
    world.store.leases.give_back(other, due_at=0, job=None, interrupted=None, counted="losses", not_before=9)
    world.change(keys.part("job_1", "PART#0001"), deaths=1)
    again = claim(world, part_of(world, 1), "third")
    again = world.store.leases.heartbeat(again, lease_ends=0, on_device=True, progress=0.5)
    finish_slice(world, one, job_of(world))
    finish_slice(world, again, job_of(world))
    (merge,) = world.store.parts.queue()
    assert (merge.attempt, merge.owner, merge.beat, merge.on_device) == (0, None, 0, False)
    assert (merge.deaths, merge.losses, merge.progress, merge.seconds) == (0, 0, 0.0, 0.0)
    assert (merge.parts, merge.due_at, merge.created_at) == (2, world.clock(), world.clock())
    assert claim(world, merge, "merger").attempt == 1, "its job agrees"


def test_a_merge_that_is_there_is_not_begun_anew(world: World) -> None:
    one, other = two_parts(world)
    finish_slice(world, one, job_of(world))
    world.change(keys.part("job_1", MERGE_PART), status="running", owner="merger", attempt=1)
    before = world.all_items()
    assert not finish_slice(world, other, job_of(world))
    assert world.all_items() == before


def test_a_part_that_is_finished_twice_is_counted_once(world: World) -> None:
    """The reply was lost, and the worker asks again."""
    one, _ = two_parts(world)
    assert finish_slice(world, one, job_of(world))
    assert finish_slice(world, one, job_of(world))
    assert job_of(world).parts_done == 1


def test_a_part_that_is_finished_is_nobodys_and_due_to_nobody(world: World) -> None:
    one, _ = two_parts(world)
    finish_slice(world, one, job_of(world))
    (item,) = [item for item in world.all_items() if item["sk"] == FIRST_PART]
    assert (item["status"], item["progress"]) == ("done", 1)
    assert not {"owner", "due_at", "due_kind"} & set(item)


@pytest.mark.parametrize(("name", "value"), [("attempt", 9), ("owner", "rival")])
def test_whoever_finishes_anothers_part_is_told_so_and_does_not_try_for_ever(
    world: World, name: str, value: object
) -> None:
    one, _ = two_parts(world)
    world.change(PART, **{name: value})
    with pytest.raises(FencedError):
        finish_slice(world, one, job_of(world))


@pytest.mark.parametrize(("on_device", "deaths"), [(True, 3), (False, 2)])
def test_a_part_that_is_given_up_ends_its_job_with_the_last_death_counted(
    world: World, *, on_device: bool, deaths: int
) -> None:
    job, part = world.claimed(queued(world))
    world.change(PART, deaths=2)
    part = replace(part, deaths=2)
    part = world.store.leases.heartbeat(part, lease_ends=0, on_device=on_device, progress=0.5)
    ending = end(job, FAILURE, {"failed": 7}, 7)
    assert world.store.endings.give_up(part, ending, world.announced(ending.after, EventType.FAILED))
    left = part_of(world)
    assert (left.status, left.deaths, left.owner) == (PartStatus.FAILED, deaths, None)
    assert (job_of(world).status, job_of(world).error, job_of(world).times["failed"]) == ("failed", FAILURE.error, 7)
    assert told(world, EventType.FAILED) == 1


def test_a_living_workers_job_is_not_given_up(world: World) -> None:
    job, part = world.claimed(queued(world))
    suspect = part_of(world)
    world.store.leases.heartbeat(part, lease_ends=world.clock(), on_device=True, progress=0.5)
    ending = end(job, FAILURE, {"failed": world.clock()}, world.clock())
    assert not world.store.endings.give_up(suspect, ending, world.announced(ending.after, EventType.FAILED))
    assert job_of(world).status is JobStatus.RUNNING


def test_a_job_that_fails_takes_its_open_parts_along(world: World) -> None:
    one, _ = two_parts(world)
    ending = end(job_of(world), FAILURE, {"failed": world.clock()}, world.clock())
    world.store.endings.finish(one, ending, world.announced(ending.after, EventType.FAILED))
    assert [part.status for part in world.store.parts.of_job("job_1")] == [PartStatus.FAILED, PartStatus.CANCELED]


def test_whoever_finishes_a_job_that_has_ended_otherwise_is_told_so_at_once(world: World) -> None:
    """And does not ask again and again because some other part has ended too."""
    one, other = two_parts(world)
    job = job_of(world)
    cancel(world, job, [])
    finish_as_done = {"status": "done", "owner": None, "due_kind": None, "due_at": None}
    world.change(keys.part("job_1", other.part_id), **finish_as_done)
    ending = end(job, FAILURE, {"failed": world.clock()}, world.clock())
    with pytest.raises(FencedError):
        world.store.endings.finish(one, ending, world.announced(ending.after, EventType.FAILED))


def test_a_cancel_ends_job_and_open_parts_and_leaves_what_is_done(world: World) -> None:
    one, _ = two_parts(world)
    finish_slice(world, one, job_of(world))
    cancel(world, job_of(world), world.store.parts.of_job("job_1"))
    assert [part.status for part in world.store.parts.of_job("job_1")] == [PartStatus.DONE, PartStatus.CANCELED]
    assert (job_of(world).status, job_of(world).times["canceled"]) == (JobStatus.CANCELED, world.clock())


CANCEL_RESTS_ON = [(JOB, "generation", 1), (JOB, "status", "completed"), (PART, "status", "done")]


@pytest.mark.parametrize(("key", "name", "value"), CANCEL_RESTS_ON)
def test_a_cancel_of_what_has_changed_meanwhile_does_nothing(
    world: World, key: tuple[str, str], name: str, value: object
) -> None:
    job, part = world.claimed(queued(world))
    world.change(key, **{name: value})
    _refused(world, cancel, job, [part])


RETRY_RESTS_ON = [
    (JOB, "generation", 1),
    (JOB, "status", "queued"),
    (PART, "attempt", 2),
    (PART, "status", "queued"),
]


@pytest.mark.parametrize(("key", "name", "value"), RETRY_RESTS_ON)
def test_a_retry_of_what_has_changed_meanwhile_does_nothing(
    world: World, key: tuple[str, str], name: str, value: object
) -> None:
    job = failed(world)
    part = part_of(world)
    world.change(key, **{name: value})
    _refused(world, retry, job, [part])


def _refused(world: World, command: Command, job: Job, parts: list[Part]) -> None:
    before = world.all_items()
    with pytest.raises(ConditionFailedError):
        command(world, job, parts)
    assert world.all_items() == before


def test_a_retried_part_has_all_its_tries_again_and_counts_its_attempts_on(world: World) -> None:
    job = failed(world)
    world.change(PART, deaths=3, losses=4, beat=5, on_device=True, not_before=10**15, owner="gone")
    retry(world, job, [part_of(world)])
    (part,) = world.store.parts.ready(world.clock(), 1)
    assert (part.deaths, part.losses, part.beat, part.on_device, part.not_before) == (0, 0, 0, False, 0)
    assert (part.owner, part.attempt, part.due_at) == (None, 1, world.clock())


def test_a_retried_job_begins_a_generation_without_its_error_or_the_times_of_the_run_that_failed(world: World) -> None:
    job = failed(world)
    world.clock.pass_(1)
    retry(world, job, [part_of(world)])
    after = job_of(world)
    assert (after.status, after.generation, after.error) == (JobStatus.QUEUED, 1, None)
    assert set(after.times) == {"created", "uploaded", "queued"}
    assert after.times["queued"] == world.clock()


def test_what_was_finished_of_a_retried_job_stays_finished(world: World) -> None:
    one, other = two_parts(world)
    finish_slice(world, one, job_of(world))
    ending = end(job_of(world), FAILURE, {"failed": world.clock()}, world.clock())
    world.store.endings.finish(other, ending, world.announced(ending.after, EventType.FAILED))
    retry(world, job_of(world), world.store.parts.of_job("job_1"))
    assert [part.part_id for part in world.store.parts.queue()] == [other.part_id]
    assert job_of(world).parts_done == 1


def test_an_erasure_of_anothers_job_or_of_one_that_is_erased_does_nothing(world: World) -> None:
    queued(world)
    job = job_of(world)
    assert not world.store.tombstones.put(replace(job, client_id="mallory"), world.clock())
    assert job_of(world) == job
    assert world.store.tombstones.put(job, world.clock())
    assert not world.store.tombstones.put(job, world.clock() + 1)
    grave = world.store.tombstones.get("job_1")
    assert grave
    assert grave.erased_at == world.clock()


def test_a_job_that_has_ended_says_how_and_waits_for_nothing_more(world: World) -> None:
    before = replace(queued(world), waiting="capacity", waiting_reason="none in any zone", cost={"dollars": 1})
    failure = {"code": "INTERNAL", "message": "It broke.", "retryable": True}
    after = end(before, Outcome(error=failure), {"failed": 7}, 7).after
    assert (after.status, after.error, after.result) == (JobStatus.FAILED, failure, None)
    assert (after.waiting, after.waiting_reason, after.cost) == (None, None, {"dollars": 1})
    assert after.times == {**before.times, "failed": 7}


def test_an_end_that_has_been_told_already_is_refused_instead_of_tried_for_ever(world: World) -> None:
    running, part = world.claimed(queued(world))
    ending = end(running, FAILURE, {"failed": 1}, 1)
    announcement = world.announced(ending.after, EventType.FAILED)
    world.store.commit(announcement.operations())
    with pytest.raises(FencedError):
        world.store.endings.finish(part, ending, announcement)
