"""Who may change a part, what a change leaves of it, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.records import FIRST_PART, MERGE_PART, Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import MINUTE_MS
from services.common.store import keys
from services.common.store.leases import FencedError, JobChangedError
from tests.support.world import World
from tests.support.written import NEVER, changed, key_of, lying, of_job, put_job, put_part, put_running

DONE = Outcome(result={"attempt": 2, "prefix": "results/job_1/2/", "files": {}}, cost={"dollars": 1})
FAILED = Outcome(error={"code": "NO_AUDIO_TRACK", "message": "None.", "retryable": False}, cost={"dollars": 1})
ENDED = {"due_kind": NEVER, "due_at": NEVER, "owner": NEVER}
Write = Callable[[World, Part, Job], object]


def heartbeat(world: World, part: Part, _: Job) -> object:
    return world.store.leases.heartbeat(part, lease_ends=world.clock() + MINUTE_MS, on_device=False, progress=0.5)


def give_back(world: World, part: Part, job: Job) -> None:
    told = world.announced(job, EventType.INTERRUPTED)
    world.store.leases.give_back(part, due_at=9, job=job, interrupted=told, counted="losses", not_before=11)


def take_away(world: World, part: Part, job: Job) -> object:
    told = world.announced(job, EventType.INTERRUPTED)
    return world.store.leases.take_away(part, now=9, job=job, interrupted=told)


def split(world: World, part: Part, job: Job) -> object:
    return world.store.leases.split(part, job, [40.0, 20.0, 10.0], due_at=9)


def finish(world: World, part: Part, job: Job, outcome: Outcome = DONE) -> None:
    ending = end(job, outcome, {"completed": 5}, 5)
    kind = EventType.FAILED if outcome.error else EventType.COMPLETED
    world.store.endings.finish(part, ending, world.announced(ending.after, kind))


def give_up(world: World, part: Part, job: Job) -> object:
    ending = end(job, FAILED, {"failed": 5}, 5)
    return world.store.endings.give_up(part, ending, world.announced(ending.after, EventType.FAILED))


def finish_slice(world: World, part: Part, job: Job) -> object:
    return world.store.endings.finish_slice(part, job, merge_due_at=9, cost={})


def refused(write: Write, world: World, part: Part, job: Job) -> bool:
    """A worker is fenced, the sweep is told that there is nothing to do."""
    if write in {take_away, give_up}:
        return write(world, part, job) is False
    with pytest.raises(FencedError):
        write(world, part, job)
    return True


@pytest.mark.parametrize("write", [heartbeat, give_back, take_away, split, finish, give_up, finish_slice])
@pytest.mark.parametrize(
    "other",
    [{"attempt": 3}, {"owner": "another"}, {"status": PartStatus.QUEUED, "attempt": 2}],
    ids=["a later attempt", "another holder", "given back"],
)
def test_who_does_not_hold_the_part_any_more_changes_nothing(world: World, write: Write, other: dict[str, Any]) -> None:
    job, part = put_running(world)
    put_part(world, **{"status": PartStatus.RUNNING, "owner": "worker", **other})
    before = of_job(world)
    if "status" in other and write in {give_back, finish_slice}:
        write(world, part, job)  # taken for a try of its own whose reply was lost, or told to read again
    else:
        assert refused(write, world, part, job)
    assert of_job(world) == before


@pytest.mark.parametrize("write", [take_away, give_up])
def test_who_was_heard_of_meanwhile_keeps_the_part(world: World, write: Write) -> None:
    job, part = put_running(world)
    heartbeat(world, part, job)
    before = of_job(world)
    assert write(world, part, job) is False
    assert of_job(world) == before


@pytest.mark.parametrize("write", [give_back, take_away, finish, give_up, split])
@pytest.mark.parametrize("status", [JobStatus.CANCELED, JobStatus.COMPLETED])
def test_nothing_is_done_for_a_job_that_is_over(world: World, write: Write, status: JobStatus) -> None:
    job, part = put_running(world)
    put_job(world, status=status)
    before = of_job(world)
    assert refused(write, world, part, job)
    assert of_job(world) == before


@pytest.mark.parametrize("changes", [{"parts": 3}, {"sequence": 7}, {"sequence": 7, "reference": "case 7"}])
@pytest.mark.parametrize("write", [give_back, take_away, finish, give_up])
def test_a_job_that_was_cut_or_updated_meanwhile_is_handed_over_as_it_is_now_and_does_not_end_or_wait(
    world: World, write: Write, changes: dict[str, Any]
) -> None:
    job, part = put_running(world)
    now = put_job(world, status=JobStatus.RUNNING, **changes)
    before = of_job(world)
    with pytest.raises(JobChangedError) as changed:
        write(world, part, job)
    assert changed.value.job == now
    assert of_job(world) == before


def test_a_recording_is_cut_once(world: World) -> None:
    job, part = put_running(world)
    put_job(world, status=JobStatus.RUNNING, parts=2)
    before = of_job(world)
    with pytest.raises(FencedError):
        split(world, part, job)
    assert of_job(world) == before


def test_a_claim_starts_anew_and_keeps_what_is_held_against_the_part(world: World) -> None:
    job, part = put_job(world, waiting="capacity", waiting_reason="none"), put_part(world)
    claimed: list[Part | None] = []

    def claim() -> None:
        told = world.announced(job, EventType.STARTED)
        mine = world.store.leases.claim(part, job, owner="me", lease_ends=9, started=told, times={"claimed": 5})
        claimed.append(mine)

    of_the_job: list[Any] = []
    assert changed(world, key_of(part), lambda: of_the_job.append(changed(world, keys.job("job_1"), claim))) == {
        "status": "running",
        "owner": "me",
        "attempt": 3,
        "beat": 0,
        "on_device": False,
        "due_kind": "running",
        "due_at": 9,
    }
    assert of_the_job == [
        {
            "status": "running",
            "waiting": NEVER,
            "waiting_reason": NEVER,
            "times": {"queued": world.clock(), "claimed": 5},
            "sequence": 1,
        }
    ]
    assert claimed == [
        replace(part, status=PartStatus.RUNNING, owner="me", attempt=3, beat=0, on_device=False, due_at=9),
    ]
    assert [event["type"] for sk, event in of_job(world).items() if sk.startswith("EVENT#")] == [EventType.STARTED]


@pytest.mark.parametrize(
    ("of_part", "of_job_"),
    [
        ({"attempt": 3}, {}),
        ({"status": PartStatus.RUNNING, "owner": "another"}, {}),
        ({}, {"status": JobStatus.CANCELED}),
        ({}, {"status": JobStatus.RUNNING}),
        ({}, {"parts": 3}),
    ],
    ids=["claimed and given back since", "claimed since", "canceled since", "begun since", "cut since"],
)
def test_who_comes_too_late_claims_nothing(world: World, of_part: dict[str, Any], of_job_: dict[str, Any]) -> None:
    job, part = put_job(world), put_part(world)
    put_job(world, **of_job_)
    put_part(world, **of_part)
    before = of_job(world)
    assert world.store.leases.claim(part, job, owner="me", lease_ends=9, started=None, times={}) is None
    assert of_job(world) == before


def test_a_heartbeat_says_how_far_the_part_is_and_moves_nothing_else(world: World) -> None:
    job, part = put_running(world)
    answers: list[Any] = []
    assert changed(world, key_of(part), lambda: answers.append(heartbeat(world, part, job))) == {
        "beat": 8,
        "due_at": world.clock() + MINUTE_MS,
        "on_device": False,
        "progress": 0.5,
    }
    assert answers == [replace(part, beat=8, due_at=world.clock() + MINUTE_MS, on_device=False, progress=0.5)]


def test_what_is_given_back_waits_as_it_was_with_one_loss_more(world: World) -> None:
    job, part = put_running(world)
    part = replace(part, progress=0.75)
    assert changed(world, key_of(part), lambda: give_back(world, part, job)) == {
        "status": "queued",
        "due_kind": "queued",
        "due_at": 9,
        "owner": NEVER,
        "on_device": False,
        "progress": 0.75,
        "not_before": 11,
        "losses": 2,
    }
    assert lying(world, keys.job("job_1"))["status"] == "queued"
    assert [event["type"] for sk, event in of_job(world).items() if sk.startswith("EVENT#")] == [EventType.INTERRUPTED]


def test_nothing_is_held_against_what_is_given_back_without_a_reason(world: World) -> None:
    job, part = put_running(world, parts=3)

    def leave() -> None:
        world.store.leases.give_back(part, due_at=9, job=None, interrupted=None)

    assert changed(world, keys.job("job_1"), lambda: None) == {}
    assert changed(world, key_of(part), leave) == {
        "status": "queued",
        "due_kind": "queued",
        "due_at": 9,
        "owner": NEVER,
        "on_device": False,
        "not_before": 0,
    }
    assert lying(world, keys.job("job_1"))["status"] == job.status, "the others go on"


def test_giving_back_twice_is_no_harm_since_the_first_reply_may_be_lost(world: World) -> None:
    job, part = put_running(world)
    give_back(world, part, job)
    before = of_job(world)
    give_back(world, part, job)
    assert of_job(world) == before


@pytest.mark.parametrize(("on_device", "counted"), [(True, {"deaths": 2}), (False, {"losses": 2})])
def test_a_part_taken_away_waits_again_and_what_it_was_doing_counts(
    world: World, counted: dict[str, int], *, on_device: bool
) -> None:
    job, _ = put_running(world)
    part = put_part(world, status=PartStatus.RUNNING, owner="worker", on_device=on_device)
    off = {"on_device": False, "behind": 9} if on_device else {}
    assert changed(world, key_of(part), lambda: take_away(world, part, job)) == {
        "status": "queued",
        "due_kind": "queued",
        "due_at": 9,
        "owner": NEVER,
        **off,
        **counted,
    }
    assert lying(world, keys.job("job_1"))["status"] == "queued"
    assert [event["type"] for sk, event in of_job(world).items() if sk.startswith("EVENT#")] == [EventType.INTERRUPTED]


def test_a_part_that_nobody_is_to_do_is_due_to_nobody(world: World) -> None:
    part = put_part(world, owner="worker")
    assert changed(world, key_of(part), lambda: world.store.leases.close(part)) == {"status": "canceled", **ENDED}
    assert not world.store.leases.close(part), "once"


@pytest.mark.parametrize(
    "since",
    [{"attempt": 3}, {"due_at": 1}, {"status": PartStatus.DONE}, {"status": PartStatus.FAILED}],
    ids=["claimed since", "queued anew since", "done since", "failed since"],
)
def test_a_part_that_is_another_by_now_is_not_closed(world: World, since: dict[str, Any]) -> None:
    part = put_part(world)
    put_part(world, **since)
    before = of_job(world)
    assert not world.store.leases.close(part)
    assert of_job(world) == before


def test_a_cut_shares_the_recording_and_keeps_the_first_part(world: World) -> None:
    job, part = put_running(world)
    answers: list[Any] = []
    assert changed(world, key_of(part), lambda: answers.append(split(world, part, job))) == {"parts": 3, "seconds": 40}
    assert answers == [replace(part, parts=3, seconds=40.0)]
    assert lying(world, keys.job("job_1"))["parts"] == 3
    others = world.store.parts.of_job("job_1")[1:]
    assert others == [
        Part(
            job_id="job_1",
            part_id=part_name(index),
            status=PartStatus.QUEUED,
            client_id="alice",
            created_at=part.created_at,
            seconds=seconds,
            parts=3,
            due_at=9,
            expires_at=part.expires_at,
        )
        for index, seconds in ((1, 20.0), (2, 10.0))
    ]
    assert answers == [split(world, part, job)], "once more, since the first reply may be lost"
    assert world.store.parts.of_job("job_1")[1:] == others


def test_a_cut_takes_no_part_away_that_is_there_already(world: World) -> None:
    job, part = put_running(world)
    put_part(world, part_id=part_name(1), status=PartStatus.DONE)
    before = of_job(world)
    with pytest.raises(FencedError):
        split(world, part, job)
    assert of_job(world) == before


@pytest.mark.parametrize(
    ("outcome", "of_the_part"),
    [(DONE, {"status": "done", "progress": 1}), (FAILED, {"status": "failed"})],
)
def test_an_end_is_the_parts_and_the_jobs_at_once(
    world: World, outcome: Outcome, of_the_part: dict[str, object]
) -> None:
    job, part = put_running(world, waiting="capacity", waiting_reason="none")
    of_part: list[Any] = []
    of_the_job = changed(
        world,
        keys.job("job_1"),
        lambda: of_part.append(changed(world, key_of(part), lambda: finish(world, part, job, outcome))),
    )
    assert of_part == [{**of_the_part, **ENDED}]
    said = {"result": outcome.result} if outcome.result else {"error": outcome.error}
    assert of_the_job == {
        "status": "failed" if outcome.error else "completed",
        "cost": {"dollars": 1},
        "waiting": NEVER,
        "waiting_reason": NEVER,
        "times": {"queued": world.clock(), "completed": 5},
        "sequence": 5,
        **said,
    }
    finish(world, part, job, outcome)  # once more, since the first reply may be lost
    with pytest.raises(FencedError):
        finish(world, part, job, FAILED if outcome is DONE else DONE)


def test_a_job_that_ends_again_forgets_how_it_ended_before_but_not_what_it_cost(world: World) -> None:
    job, part = put_running(world, result={"attempt": 1}, error={"code": "OLD"}, cost={"dollars": 9}, generation=1)
    finish(world, part, job, DONE)
    after = lying(world, keys.job("job_1"))
    assert (after["result"]["attempt"], after.get("error"), after["cost"]) == (2, None, {"dollars": 10})


def test_a_part_that_is_given_up_fails_with_its_job_and_counts_what_it_was_doing(world: World) -> None:
    job, part = put_running(world)
    answers: list[Any] = []
    assert changed(world, key_of(part), lambda: answers.append(give_up(world, part, job))) == {
        "status": "failed",
        "deaths": 2,
        **ENDED,
    }
    assert answers == [True]
    assert lying(world, keys.job("job_1"))["status"] == "failed"


def test_a_failure_takes_the_other_parts_along_and_leaves_those_that_have_ended(world: World) -> None:
    job, part = put_running(world, parts=4)
    for number, status in ((1, PartStatus.QUEUED), (2, PartStatus.RUNNING), (3, PartStatus.DONE)):
        put_part(world, part_id=part_name(number), status=status, owner="another", parts=4)
    finish(world, part, job, FAILED)
    assert [one.status for one in world.store.parts.of_job("job_1")] == ["failed", "canceled", "canceled", "done"]


def test_a_merge_that_is_done_leaves_its_parts_alone(world: World) -> None:
    job, _ = put_running(world, parts=2)
    put_part(world, part_id=part_name(1), parts=2)
    merge = put_part(world, part_id=MERGE_PART, status=PartStatus.RUNNING, owner="worker", parts=2)
    finish(world, merge, job)
    assert {one.part_id: one.status.value for one in world.store.parts.of_job("job_1")} == {
        FIRST_PART: "running",
        part_name(1): "queued",
        MERGE_PART: "done",
    }


@pytest.mark.parametrize(
    ("since", "what"), [({"status": JobStatus.CANCELED}, "canceled"), ({"parts_done": 1}, "others finished")]
)
def test_a_slice_is_counted_only_for_the_job_as_it_was_read(world: World, since: dict[str, Any], what: str) -> None:
    job, part = put_running(world, parts=3)
    put_job(world, **{"status": JobStatus.RUNNING, "parts": 3, **since})
    before = of_job(world)
    assert finish_slice(world, part, job) is False, what
    assert of_job(world) == before


def test_the_last_slice_makes_the_merge_due_as_a_part_with_no_past(world: World) -> None:
    job, part = put_running(world, parts=2)
    other = put_part(world, part_id=part_name(1), status=PartStatus.RUNNING, owner="other", parts=2)
    assert changed(world, key_of(part), lambda: finish_slice(world, part, job)) == {
        "status": "done",
        "progress": 1,
        **ENDED,
    }
    assert lying(world, keys.job("job_1"))["parts_done"] == 1
    assert world.store.parts.get("job_1", MERGE_PART) is None
    read = world.store.jobs.get("job_1")
    assert read
    assert finish_slice(world, other, read) is True
    assert lying(world, keys.job("job_1"))["parts_done"] == 2
    assert world.store.parts.get("job_1", MERGE_PART) == Part(
        job_id="job_1",
        part_id=MERGE_PART,
        status=PartStatus.QUEUED,
        client_id="alice",
        created_at=9,
        parts=2,
        due_at=9,
        expires_at=part.expires_at,
    )
    assert finish_slice(world, other, read) is True, "once more, since the first reply may be lost"
    assert lying(world, keys.job("job_1"))["parts_done"] == 2


def test_a_merge_that_is_there_is_not_queued_over(world: World) -> None:
    job, part = put_running(world, parts=2, parts_done=1)
    put_part(world, part_id=MERGE_PART, status=PartStatus.DONE)
    before = of_job(world)
    assert finish_slice(world, part, job) is False
    assert of_job(world) == before


def test_a_write_that_fails_for_the_part_itself_is_not_tried_over_and_over(world: World) -> None:
    job, part = put_running(world, parts=2)
    put_part(world, part_id=part_name(1), parts=2)
    put_part(world, status=PartStatus.RUNNING, owner="another")
    with pytest.raises(FencedError):
        finish(world, part, job, FAILED)
