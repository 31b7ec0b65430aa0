"""The numbers of a job's messages: who has read an earlier one does not write, and who writes gives a larger one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.job_changes import Outcome, end
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, MINUTE_MS
from services.common.source_object import SourceObjects
from services.common.store import keys
from services.common.store.announcements import Announcement
from services.common.store.leases import FencedError, JobChangedError
from services.orchestrator.expiry import Expiry
from services.orchestrator.recovery import Recovery
from services.orchestrator.s3_events import Upload
from tests.support.api_jobs import FAILED, create, uploaded
from tests.support.gateway import Client
from tests.support.items import awaited, job_of, part_of, queued, two_parts
from tests.support.world import BUCKET, World, intake_of

KEY = keys.job("job_1")
WORDS = {"reference": "case 7"}
DONE = Outcome(result={"attempt": 1, "prefix": "", "files": {}})
SKEWS = (0, HOUR_MS, -HOUR_MS, 7 * MINUTE_MS, -1)
"""How far ahead of the true time the writers' clocks are, one after the other."""


def messages(world: World, job_id: str = "job_1") -> list[dict[str, Any]]:
    """The job's messages in order of their ids."""
    return [json.loads(event["body"]) for event in world.events(job_of(world, job_id))]


def of_earlier_release(world: World) -> Job:
    """The same job as an earlier release has left it: without a number."""
    world.change(KEY, sequence=None)
    return job_of(world)


def start(world: World, job: Job) -> object:
    running = job_changes.start(job, {}, world.clock()).after
    told = world.announced(running, EventType.STARTED)
    return world.store.leases.claim(part_of(world), job, owner="w", lease_ends=9, started=told, times={})


def cancel(world: World, job: Job) -> object:
    return world.commands.cancel(job, world.clock())


def update(world: World, job: Job) -> object:
    return world.commands.annotate(job, WORDS, world.clock())


@pytest.mark.parametrize("write", [start, cancel, update])
def test_a_job_of_an_earlier_release_gets_its_first_number_from_whoever_changes_it(
    world: World, write: Callable[[World, Job], object]
) -> None:
    queued(world)
    job = of_earlier_release(world)
    assert job.sequence == 0
    assert write(world, job)
    assert job_of(world).sequence == world.clock()


@pytest.mark.parametrize("write", [start, cancel, update])
def test_a_job_that_has_a_number_meanwhile_is_not_changed_as_if_it_had_none(
    world: World, write: Callable[[World, Job], object]
) -> None:
    queued(world)
    job = of_earlier_release(world)
    assert update(world, job)
    number = job_of(world).sequence
    assert not world.store.jobs.annotate(job_changes.annotate(job, {}, world.clock()))
    write(world, job)  # a command reads again, and a claim is left to the next look at the queue
    assert job_of(world).sequence == (number if write is start else number + 1)


def test_an_earlier_release_that_changes_a_job_meanwhile_is_still_met_by_its_state(world: World) -> None:
    """It neither reads nor writes numbers. Of two ends one is refused all the same, and its update stays."""
    running, part = world.claimed(queued(world))
    update(world, running)
    world.change(KEY, status="completed", result={"files": {}})
    ending = end(job_of(world), FAILED, {}, world.clock())
    with pytest.raises(FencedError):
        world.store.endings.finish(part, ending, world.announced(ending.after, EventType.FAILED))
    assert (job_of(world).status, job_of(world).reference) == (JobStatus.COMPLETED, "case 7")


def test_claims_of_several_parts_do_not_conflict(world: World) -> None:
    one, other = two_parts(world)
    number = job_of(world).sequence
    assert (one.owner, other.owner) == ("worker", "neighbour")
    assert number == world.clock(), "it was queued with that"


def test_messages_are_in_order_of_time_whatever_the_clocks_of_their_writers_say(world: World, alice: Client) -> None:
    """Each step is made by a process with a clock of its own; the last one is an hour behind the one before."""
    began = world.clock()
    world.callback("https://hooks.example.com/", events=[kind.value for kind in EventType])
    skews = iter(SKEWS)

    def wrong_clock() -> None:
        world.now = began + next(skews)

    wrong_clock()
    job = uploaded(world, alice)
    wrong_clock()
    start_of(world, job)
    wrong_clock()
    give_back(world, job.job_id)
    wrong_clock()
    start_of(world, job_of(world, job.job_id), times={"claimed": 1})
    wrong_clock()
    cancel(world, job_of(world, job.job_id))

    kinds = ["queued", "started", "interrupted", "started", "canceled"]
    told = messages(world, job.job_id)
    assert [message["type"] for message in told] == [f"transcription.{kind}" for kind in kinds]
    numbers = [message["data"]["sequence"] for message in told]
    assert numbers == sorted(set(numbers))
    ledger = alice.get(f"/api/jobs/{job.job_id}/deliveries").json["deliveries"]
    assert [delivery["type"] for delivery in ledger] == [message["type"] for message in told]
    world.now = began + 2 * HOUR_MS
    feed = alice.get("/api/events").json["events"]
    assert [event["event_id"] for event in feed] == [delivery["event_id"] for delivery in ledger]
    assert alice.get(f"/api/jobs/{job.job_id}").json["sequence"] == numbers[-1]


def start_of(world: World, job: Job, times: dict[str, int] | None = None) -> None:
    running = job_changes.start(job, times or {}, world.clock()).after
    told = world.announcer.tell(running, EventType.STARTED, world.clock(), attempt=len(messages(world, job.job_id)))
    part = part_of(world, 0, job.job_id)
    lease_ends = world.clock() + MINUTE_MS
    assert world.store.leases.claim(part, job, owner="w", lease_ends=lease_ends, started=told, times=times or {})


def give_back(world: World, job_id: str) -> None:
    job, part = job_of(world, job_id), part_of(world, 0, job_id)
    told = world.announcer.interrupted(job, part, world.clock())
    world.store.leases.give_back(part, due_at=0, job=job, interrupted=told)


def test_a_ledger_goes_on_from_where_its_page_ended(world: World, alice: Client) -> None:
    events = ["transcription.queued", "transcription.canceled"]
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/", "events": events})
    job = uploaded(world, alice)
    cancel(world, job)
    first = alice.get(f"/api/jobs/{job.job_id}/deliveries?limit=1").json
    rest = alice.get(f"/api/jobs/{job.job_id}/deliveries?after={first['next']}").json
    kinds = [delivery["type"] for page in (first, rest) for delivery in page["deliveries"]]
    assert kinds == events


def test_a_callbacks_own_ledger_is_in_order_of_time(world: World, alice: Client) -> None:
    made = alice.post("/api/callbacks", {"url": "https://hooks.example.com/", "challenge": True}).json
    path = f"/api/callbacks/{made['callback_id']}"
    sent = []
    for _ in range(5):
        world.clock.pass_(1)
        sent.append(alice.post(f"{path}/test").json["event_id"])
    ledger = alice.get(f"{path}/deliveries").json["deliveries"]
    assert [delivery["type"] for delivery in ledger] == ["callback.challenge", *["callback.test"] * 5]
    assert [delivery["event_id"] for delivery in ledger[1:]] == sent


def test_a_delivery_is_due_by_the_clock_of_its_writer_even_if_its_message_lies_ahead(
    world: World, alice: Client
) -> None:
    world.callback("https://hooks.example.com/", events=["transcription.canceled"])
    world.clock.pass_(HOUR_MS)
    job = uploaded(world, alice)
    world.clock.pass_(-HOUR_MS)
    cancel(world, job)
    (delivery,) = world.store.deliveries.of_job(job.job_id)
    assert delivery.created_at == job.sequence + 1 > delivery.due_at == world.clock()


def test_what_is_registered_has_its_time_as_its_number_and_a_plain_upload_that_of_its_first_message(
    world: World, alice: Client
) -> None:
    assert create(alice)["sequence"] == world.clock()
    etag = world.s3.put_object(Bucket=BUCKET, Key="uploads/a.wav", Body=b"sound")["ETag"].strip('"')
    upload = Upload(key="uploads/a.wav", etag=etag, size=5, uploaded=world.clock(), modified=world.clock())
    world.clock.pass_(7)
    (taken,) = intake_of(world).take([upload], world.clock())
    assert taken.job
    assert job_of(world, taken.job.job_id).sequence == world.clock()
    assert [message["data"]["sequence"] for message in messages(world, taken.job.job_id)] == [world.clock()]


def test_a_job_whose_upload_is_overdue_expires_at_the_next_look_if_it_is_updated_at_this_one(world: World) -> None:
    awaited(world)
    later = world.clock() + HOUR_MS

    class Meanwhile(type(world.announcer)):  # type: ignore[misc] # the announcer's own class
        def tell(self, *arguments: Any, **named: Any) -> Announcement:
            update(world, job_of(world))
            made: Announcement = super().tell(*arguments, **named)
            return made

    recordings = SourceObjects(world.s3, BUCKET)
    assert not Expiry(world.store, Meanwhile(world.store.callbacks, world.places), recordings).expire("job_1", later)
    assert Expiry(world.store, world.announcer, recordings).expire("job_1", later)
    assert messages(world)[-1]["data"]["reference"] == "case 7"


@pytest.mark.parametrize("deaths", [0, 2], ids=["queued again", "failed"])
def test_a_silent_workers_part_is_taken_away_though_its_job_is_updated_at_the_same_moment(
    world: World, deaths: int
) -> None:
    running, part = world.claimed(queued(world))
    world.change(keys.of(part), deaths=deaths, on_device=True)
    suspect = part_of(world)
    stale = [running]
    recovery = Recovery(world.store, world.announcer)
    update(world, running)
    read = world.store.jobs.get
    world.store.jobs.get = lambda job_id: stale.pop() if stale else read(job_id)  # type: ignore[method-assign]
    assert recovery.take_away(suspect, world.clock())
    assert not stale
    last = messages(world)[-1]
    assert last["type"] == ("transcription.failed" if deaths else "transcription.interrupted")
    assert (last["data"]["reference"], last["data"]["sequence"]) == ("case 7", job_of(world).sequence)


def test_an_end_that_meets_an_update_is_handed_the_job_as_it_is_now_and_can_be_written_from_that(world: World) -> None:
    running, part = world.claimed(queued(world))
    update(world, running)
    ending = end(running, FAILED, {}, world.clock())
    with pytest.raises(JobChangedError) as changed:
        world.store.endings.finish(part, ending, world.announced(ending.after, EventType.FAILED))
    again = end(changed.value.job, FAILED, {}, world.clock())
    world.store.endings.finish(part, again, world.announced(again.after, EventType.FAILED))
    assert messages(world)[-1]["data"]["reference"] == "case 7"
    assert job_of(world).sequence == running.sequence + 2
