"""A correction is told of once nobody has made another for two minutes, once, and with digests that are true."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.common.corrections import Corrections, Keeping, newest
from services.common.domain.corrections import Change
from services.common.domain.records import Job
from services.common.domain.times import MINUTE_MS, rfc3339
from services.common.domain.versions import QUIET_MS
from services.common.erasure import Erasure
from services.common.webhooks.registration import DEFAULT_EVENTS, SUBSCRIBABLE
from services.orchestrator.corrections_at_rest import CorrectionsAtRest
from tests.support import contract
from tests.support.api_jobs import completed, keep_words
from tests.support.faults import Mode
from tests.support.gateway import Client
from tests.support.transcripts import dialogue
from tests.support.world import BUCKET, World

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), formats=["json", "txt"])
TYPE = "transcript.corrected"


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    done = completed(world, alice, names=["Anna"])
    keep_words(world, done, HEARD)
    return done


def save(world: World, job: Job, *changes: Change) -> int:
    """Save a correction upon the newest one; returns its number."""
    read = world.job(job.job_id)
    store = Corrections(world.store, world.s3, BUCKET, Keeping(30, 365))
    after = store.save(read, changes, lambda: HEARD, base=newest(read), by="client", now=world.now)
    assert after
    return newest(after)


def sweep(world: World) -> int:
    """The step of the sweep; returns how many corrections were told of."""
    step = CorrectionsAtRest(world.store, world.announcer)
    return sum(step.tell(job_id, world.now) for job_id in step.overdue(world.now))


def told(world: World, job: Job) -> list[dict[str, Any]]:
    """The corrections of which messages tell, in order."""
    bodies = [json.loads(item["body"]) for item in world.events(job) if item["type"] == TYPE]
    return [body["data"]["correction"] for body in bodies]


def test_who_goes_on_correcting_makes_one_message_when_at_rest(world: World, job: Job) -> None:
    for _ in range(5):
        save(world, job, Change(0, 2))
        world.clock.pass_(QUIET_MS - 1)
        assert sweep(world) == 0
        save(world, job)
    world.clock.pass_(QUIET_MS)
    assert sweep(world) == 1
    assert [one["number"] for one in told(world, job)] == [10]
    assert sweep(world) == 0
    assert world.job(job.job_id).tell_correction_at is None
    save(world, job, Change(0, 2))
    world.clock.pass_(QUIET_MS)
    assert sweep(world) == 1
    assert [one["number"] for one in told(world, job)] == [10, 11]


def test_a_message_tells_where_the_correction_and_its_text_are_and_its_digests_are_true(
    world: World, alice: Client, job: Job
) -> None:
    changed_at = world.now
    save(world, job, Change(0, 2))
    world.clock.pass_(QUIET_MS)
    sweep(world)
    alice.call("PATCH", f"/api/jobs/{job.job_id}", {"names": ["Åsa"]})
    world.clock.pass_(MINUTE_MS)
    (event,) = alice.get(f"/api/events?type={TYPE}").json["events"]
    contract.check_named(event["body"], "Message")
    data = event["body"]["data"]
    correction = data["correction"]
    assert (data["status"], data["job_id"]) == ("completed", job.job_id)
    assert (correction["number"], correction["by"], correction["changed_at"]) == (1, "client", rfc3339(changed_at))
    document = world.s3.get_object(Bucket=BUCKET, Key=correction["uri"].removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    address = correction["result_url"].removeprefix("https://api.example.com")
    content = alice.get(address).content
    assert content.decode() == "Hej själv.\n"
    for described, file in ((correction, document), (correction["text"], content)):
        assert (described["bytes"], described["sha256"]) == (len(file), hashlib.sha256(file).hexdigest())


def test_only_callbacks_that_ask_for_it_are_told(world: World, job: Job) -> None:
    assert TYPE in SUBSCRIBABLE
    assert TYPE not in DEFAULT_EVENTS
    world.callback("https://hooks.example.com/a", name="cb_a", events=[TYPE])
    world.callback("https://hooks.example.com/b", name="cb_b", events=list(DEFAULT_EVENTS))
    save(world, job, Change(0, 2))
    world.clock.pass_(QUIET_MS)
    sweep(world)
    sent = [one.callback_id for one in world.store.deliveries.overdue(world.now, limit=9) if one.event_type == TYPE]
    assert sent == ["cb_a"]


def each_moment(world: World, alice: Client, rival: Callable[[Job], object], check: Callable[[Job], None]) -> None:
    """Let a rival do something before each call of the sweep's step, each time with another job."""
    at = 0
    while True:
        fresh = completed(world, alice)
        save(world, fresh, Change(0, 2))
        world.clock.pass_(QUIET_MS)
        world.faults.calls, world.faults.happened = [], False

        def happen(_: Mode, job: Job = fresh) -> None:
            rival(job)

        world.faults.plan(at, Mode.RIVAL, happen)
        with world.faults.watching():
            sweep(world)
        if not world.faults.happened:
            break
        check(fresh)
        at += 1
    assert at > 2


def test_two_sweeps_at_once_tell_once(world: World, alice: Client) -> None:
    def check(job: Job) -> None:
        assert [one["number"] for one in told(world, job)] == [1]

    each_moment(world, alice, lambda _: sweep(world), check)


def test_a_correction_at_the_moment_of_the_message_is_told_of_later(world: World, alice: Client) -> None:
    def check(job: Job) -> None:
        before = [one["number"] for one in told(world, job)]
        assert before in ([], [1])
        world.clock.pass_(QUIET_MS)
        sweep(world)
        assert [one["number"] for one in told(world, job)] == [*before, 2]

    each_moment(world, alice, lambda job: save(world, job), check)


def test_of_a_job_that_is_erased_meanwhile_nothing_is_told(world: World, alice: Client) -> None:
    def check(job: Job) -> None:
        assert told(world, job) == []

    def erase(job: Job) -> None:
        Erasure(world.store, world.s3, BUCKET).erase(world.job(job.job_id), world.now)

    each_moment(world, alice, erase, check)


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.AFTER])
def test_a_sweep_that_dies_is_made_good_by_the_next(world: World, alice: Client, mode: Mode) -> None:
    for at in range(4):
        fresh = completed(world, alice)
        save(world, fresh, Change(0, 2))
        world.clock.pass_(QUIET_MS)
        with world.faults.dying(at, mode):
            sweep(world)
        sweep(world)
        assert [one["number"] for one in told(world, fresh)] == [1]
