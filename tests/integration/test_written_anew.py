"""What a job's items become when its recording is put once more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.change import Change
from services.common.domain.lifecycle.part_changes import first_part
from services.common.domain.records import FIRST_PART, MERGE_PART, Callback, Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import commands, keys
from services.common.store.announcements import Announcement
from services.common.store.callbacks import registration
from services.common.store.operations import ConditionFailedError
from tests.support.world import World
from tests.support.written import NEVER, changed, key_of, lying, of_job, put_job, put_part

KEY = keys.job("job_1")
LATER = 2_000_000_000


def put_ended(world: World, **more: Any) -> Job:
    """A job of three parts that has failed, over a recording that came twice meanwhile."""
    usual: dict[str, Any] = {
        "status": JobStatus.FAILED,
        "error": {"code": "NO_SOUND", "message": "None."},
        "times": {"created": 1, "uploaded": 2, "queued": 3, "claimed": 4, "failed": 5},
        "source_modified": 1_000,
        "source_seen": 2_000,
        "generation": 1,
        "edition": 1,
        "parts": 3,
        "parts_done": 2,
    }
    return put_job(world, **usual | more)


def anew(world: World, job: Job) -> Change[Job]:
    """The job with another recording."""
    recording = job_changes.Arrival(
        etag="new", size=7, uploaded=5_500, modified=5_000, queued=world.clock(), expires_at=LATER
    )
    return job_changes.begin_anew(job, recording)


def begin(world: World, job: Job, parts: list[Part], *callbacks: Callback) -> None:
    change = anew(world, job)
    announcement = world.announced(change.after, EventType.QUEUED)
    announcement = Announcement(announcement.event, job, callbacks)
    world.store.commit(commands.begun_anew(change, parts, announcement, seconds=60.0, due_at=9))


def test_a_job_that_begins_anew_keeps_nothing_of_the_run_before_but_its_name_and_its_counts(world: World) -> None:
    job = put_ended(world)
    assert changed(world, KEY, lambda: begin(world, job, [])) == {
        "schema_version": 2,
        "status": "queued",
        "generation": 2,
        "edition": 2,
        "source_etag": "new",
        "source_bytes": 7,
        "source_modified": 5_000,
        "source_seen": 0,
        "error": NEVER,
        "parts": 1,
        "parts_done": 0,
        "times": {"created": 1, "uploaded": 5_500, "queued": world.clock()},
        "sequence": world.clock(),
        "expires_at": LATER,
    }
    assert world.job("job_1") == anew(world, job).after


def test_only_its_first_part_is_left_fresh_but_for_its_attempts(world: World) -> None:
    job = put_ended(world)
    first = put_part(world, status=PartStatus.FAILED, owner="worker", attempt=4, parts=3)
    others = [put_part(world, part_id=name, status=PartStatus.CANCELED) for name in (part_name(1), MERGE_PART)]
    begin(world, job, [first, *others])
    assert world.store.parts.of_job("job_1") == [replace(first_part(anew(world, job).after, 60.0, 9), attempt=4)]
    assert "owner" not in lying(world, key_of(first))


def test_a_job_that_never_had_a_part_gets_one(world: World) -> None:
    begin(world, put_ended(world, status=JobStatus.CANCELED), [])
    (part,) = world.store.parts.of_job("job_1")
    assert (part.part_id, part.attempt, part.due_at) == (FIRST_PART, 0, 9)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELED])
@pytest.mark.parametrize(
    ("of_the_job", "of_the_part"),
    [
        ({"status": JobStatus.QUEUED}, {}),
        ({"status": JobStatus.COMPLETED}, {}),
        ({"generation": 2}, {}),
        ({}, {"attempt": 3}),
        ({}, {"status": PartStatus.QUEUED}),
    ],
    ids=["queued since", "completed", "begun anew since", "claimed since", "part queued since"],
)
def test_it_begins_anew_once(
    world: World, status: JobStatus, of_the_job: dict[str, Any], of_the_part: dict[str, Any]
) -> None:
    job, part = put_ended(world, status=status), put_part(world, status=PartStatus.FAILED)
    put_ended(world, **{"status": status} | of_the_job)
    put_part(world, **{"status": PartStatus.FAILED} | of_the_part)
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        begin(world, job, [part])
    assert of_job(world) == before


def test_a_part_that_came_meanwhile_is_not_written_over(world: World) -> None:
    job = put_ended(world, status=JobStatus.CANCELED)
    put_part(world)
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        begin(world, job, [])
    assert of_job(world) == before


def test_the_jobs_own_callback_lives_on_with_it_and_the_clients_are_left_alone(world: World) -> None:
    job = put_ended(world)
    base: dict[str, Any] = {"client_id": "alice", "url": "https://hooks.example.com/", "events": [], "expires_at": 5}
    own = Callback(callback_id="cb_own", job_id="job_1", **base)
    common = Callback(callback_id="cb_common", **base)
    for callback in (own, common):
        world.store.commit(registration(callback)[:1])
    before = lying(world, keys.of(common))
    assert changed(world, keys.of(own), lambda: begin(world, job, [], own, common)) == {"expires_at": LATER}
    assert lying(world, keys.of(common)) == before


def test_an_upload_of_which_nothing_is_made_is_noted_with_its_date(world: World) -> None:
    job = put_job(world, source_etag="")
    note = lambda: world.store.jobs.note_upload(job, etag="etag", modified=3_000)  # noqa: E731
    assert changed(world, KEY, note) == {"source_etag": "etag", "source_seen": 3_000}
    assert world.store.jobs.note_upload(world.job("job_1"), etag="etag", modified=4_000)


@pytest.mark.parametrize("since", [{"status": JobStatus.FAILED}, {"generation": 1}, {"source_etag": "another"}])
def test_nothing_is_noted_of_a_job_that_is_another_by_now(world: World, since: dict[str, Any]) -> None:
    job = put_job(world)
    put_job(world, **since)
    before = of_job(world)
    assert not world.store.jobs.note_upload(job, etag="etag", modified=3_000)
    assert of_job(world) == before


def test_a_claim_of_another_generation_is_refused(world: World) -> None:
    job, part = put_job(world), put_part(world)
    put_job(world, generation=1)
    claim = world.store.leases.claim
    assert claim(part, job, owner="worker", lease_ends=99, started=None, times={}) is None
    assert claim(part, world.job("job_1"), owner="worker", lease_ends=99, started=None, times={})
