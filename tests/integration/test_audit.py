"""The hourly audit: what is lost is found, whatever kind it is, and what is not lost is never found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.common.domain.audit import Audit, Stage
from services.common.domain.ids import upload_job_id
from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from services.common.store.keys import Key
from services.orchestrator import audit
from tests.support.api_jobs import put_many
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

RECORDING = "uploads/a.wav"


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        # What happened before the first audit is not in it.
        assert audited(made) == []
        made.now += HOUR_MS
        yield made


def audited(world: StepWorld, *, pages: int = 1_000) -> list[tuple[str, str]]:
    """What the next hour's audit finds lost: kind and job of each."""
    world.now = (world.now // HOUR_MS + 1) * HOUR_MS
    return go_on(world, pages=pages)


def go_on(world: StepWorld, *, pages: int = 1_000) -> list[tuple[str, str]]:
    time_for = iter([True] * pages + [False])
    with capture_logs() as logged:
        found = world.orchestrator().sweep.auditor.run(world.now, lambda: next(time_for))
    losses = [(line["kind"], line["job_id"]) for line in logged if line["event"] == "audit.found"]
    assert len(losses) == found
    return losses


def queued(world: StepWorld) -> str:
    """The id of a job that waits for a machine, as there is none."""
    world.upload()
    world.serve_queue()
    (job,) = world.jobs()
    assert job.status is JobStatus.QUEUED
    return job.job_id


def completed(world: StepWorld) -> str:
    world.upload()
    world.settle()
    (job,) = world.jobs()
    assert job.status is JobStatus.COMPLETED
    return job.job_id


def items(world: StepWorld, job_id: str, kind: str) -> list[Key]:
    return [
        (item["pk"], item["sk"])
        for item in world.all_items()
        if item["pk"] == f"JOB#{job_id}" and item["sk"].startswith(kind)
    ]


def test_nothing_is_found_of_jobs_in_any_state(world: StepWorld) -> None:
    done = completed(world)
    world.upload("uploads/b.wav")
    world.serve_queue()
    assert len(world.jobs()) == 2
    assert audited(world) == []
    running, _ = world.claimed(next(job for job in world.jobs() if job.job_id != done))
    assert audited(world) == []
    put_many(
        world,
        1,
        client_id=lambda _: DEFAULT_CLIENT,
        status=lambda _: JobStatus.AWAITING_UPLOAD,
        upload_expires_at=lambda _: world.now + DAY_MS,
    )
    assert audited(world) == []
    assert world.job(running.job_id).status is JobStatus.RUNNING


def test_a_job_that_nobody_will_see_to_is_found_each_hour_until_it_is_seen_to_again(world: StepWorld) -> None:
    job_id = queued(world)
    (part,) = items(world, job_id, "PART#")
    world.change(part, due_kind=None)
    assert audited(world) == [("job", job_id)]
    assert go_on(world) == [], "once in each hour"
    assert audited(world) == [("job", job_id)]
    world.change(part, due_kind="queued")
    assert audited(world) == []


def test_a_job_whose_part_is_gone_is_found(world: StepWorld) -> None:
    job_id = queued(world)
    for part in items(world, job_id, "PART#"):
        world.delete(part)
    assert audited(world) == [("job", job_id)]


def test_an_awaited_upload_that_will_never_expire_and_an_unannounced_correction_are_found(world: StepWorld) -> None:
    corrected = completed(world)
    (awaited,) = put_many(
        world,
        1,
        client_id=lambda _: DEFAULT_CLIENT,
        job_id=lambda _: "job_awaited",
        status=lambda _: JobStatus.AWAITING_UPLOAD,
        upload_expires_at=lambda _: world.now + DAY_MS,
    )
    world.change((f"JOB#{awaited.job_id}", "JOB"), due_kind=None)
    world.change((f"JOB#{corrected}", "JOB"), tell_correction_at=world.now)
    assert sorted(audited(world)) == sorted([("job", awaited.job_id), ("job", corrected)])


def test_an_event_without_one_of_its_deliveries_is_found(world: StepWorld) -> None:
    job_id = completed(world)
    deliveries = items(world, job_id, "DELIVERY#")
    assert len(deliveries) == 3
    world.delete(deliveries[1])
    assert audited(world) == [("delivery", job_id)]


def test_a_delivery_that_nobody_will_send_is_found(world: StepWorld) -> None:
    job_id = queued(world)
    (delivery,) = items(world, job_id, "DELIVERY#")
    world.change(delivery, due_kind=None)
    assert audited(world) == [("delivery", job_id)]


def test_callbacks_that_did_not_listen_at_the_time_are_not_missed(world: StepWorld) -> None:
    completed(world)
    world.now += MINUTE_MS
    events = ["transcription.completed"]
    world.callback("https://b.example.com/", client_id=DEFAULT_CLIENT, name="cb_later", events=events)
    (first, later) = world.store.callbacks.of_client(DEFAULT_CLIENT)
    assert audited(world) == [], "one is later than the events"
    world.change(("CLIENT#default", f"CALLBACK#{later.callback_id}"), events=[])
    world.store.callbacks.update(later, {"events": events}, world.now)
    world.change(("CLIENT#default", f"CALLBACK#{later.callback_id}"), created_at=1)
    assert audited(world) == [], "one began to listen later"
    world.store.callbacks.update(first, {"prefix": "uploads/b/"}, world.now)
    assert audited(world) == []


def test_an_upload_without_a_job_is_found_once_the_search_has_had_its_time(world: StepWorld) -> None:
    etag = world.s3.put_object(Bucket=BUCKET, Key=RECORDING, Body=b"lost")["ETag"].strip('"')
    world.s3.put_object(Bucket=BUCKET, Key="uploads/folder/", Body=b"")
    assert audited(world) == []
    lost = [("upload", upload_job_id(BUCKET, RECORDING, etag))]
    assert [audited(world) for _ in range(3)] == [[], lost, lost]
    world.now += 40 * DAY_MS
    assert audited(world) == [], "too old for a job: the daily walk deletes it"


def put_in_parts(world: StepWorld) -> str:
    """An upload in parts that nobody is told of; returns the id of the job that it should have."""
    place: Any = {"Bucket": BUCKET, "Key": RECORDING}
    begun: Any = {**place, "UploadId": world.s3.create_multipart_upload(**place)["UploadId"]}
    part: Any = {"PartNumber": 1, "ETag": world.s3.upload_part(**begun, PartNumber=1, Body=b"lost")["ETag"]}
    done = world.s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [part]})
    return upload_job_id(BUCKET, RECORDING, done["ETag"].strip('"'))


def test_an_upload_in_parts_is_lost_only_if_two_audits_see_it_without_a_job(world: StepWorld) -> None:
    lost = [("upload", put_in_parts(world))]
    assert [audited(world) for _ in range(5)] == [[], [], [], lost, lost]


def test_an_upload_in_parts_that_is_taken_in_after_an_audit_has_seen_it_is_not_lost(world: StepWorld) -> None:
    job_id = put_in_parts(world)
    assert [audited(world) for _ in range(3)] == [[], [], []]
    state = world.store.fleet.audit()
    assert state
    assert state.suspects == [job_id], "it was seen, though not told"
    put_many(
        world, 1, client_id=lambda _: DEFAULT_CLIENT, job_id=lambda _: job_id, status=lambda _: JobStatus.COMPLETED
    )
    assert [audited(world) for _ in range(2)] == [[], []]
    state = world.store.fleet.audit()
    assert state
    assert state.suspects == []


def test_the_job_of_an_upload_that_vanishes_is_found_by_its_upload(world: StepWorld) -> None:
    job_id = completed(world)
    for item in world.all_items():
        if item["pk"] == f"JOB#{job_id}":
            world.delete((item["pk"], item["sk"]))
    assert [audited(world) for _ in range(3)][-1] == [("upload", job_id)]


def test_an_erased_job_is_not_lost(world: StepWorld) -> None:
    job_id = completed(world)
    world.store.tombstones.put(world.job(job_id), world.now)
    assert [audited(world) for _ in range(3)] == [[], [], []]


def test_an_item_of_a_newer_release_is_not_lost(world: StepWorld) -> None:
    job_id = completed(world)
    world.of_another_version(f"JOB#{job_id}", "JOB")
    assert [audited(world) for _ in range(3)] == [[], [], []]


def test_a_job_of_a_newer_release_hides_none_behind_it(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    for number in range(6):
        world.upload(f"uploads/{number}.wav", content=f"{number}".encode())
        world.serve_queue()
    newest, before, *_ = (job.job_id for job in world.jobs())
    world.of_another_version(f"JOB#{before}", "JOB")
    (part,) = items(world, newest, "PART#")
    world.delete(part)
    assert audited(world) == [("job", newest)]


def test_it_goes_on_where_it_was_client_by_client_and_does_nothing_twice(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    expected = set()
    for client in ("alice", "bob", "carol"):
        world.store.clients.register(client)
        for number in range(3):
            world.upload(f"uploads/{client}/{number}.wav", content=f"{client}{number}".encode())
            world.serve_queue()
        (part,) = items(world, world.jobs(client)[1].job_id, "PART#")
        world.delete(part)
        expected.add(("job", world.jobs(client)[1].job_id))
    found = audited(world, pages=1)
    for _ in range(20):
        found += go_on(world, pages=1)
    assert (sorted(found), len(found)) == (sorted(expected), 3)
    state = world.store.fleet.audit()
    assert state
    assert (state.stage, state.lost) == (Stage.NOTHING, 3)


def test_of_two_sweeps_that_audit_at_once_one_goes_on(world: StepWorld) -> None:
    world.now += HOUR_MS
    seen = world.store.fleet.audit()
    assert seen
    assert world.store.fleet.move_audit(seen, seen.begin(world.now))
    assert not world.store.fleet.move_audit(seen, seen.begin(world.now))
    assert not world.store.fleet.move_audit(None, Audit())


def test_a_failed_job_is_at_its_end(world: StepWorld) -> None:
    queued(world)
    (job,) = world.jobs()
    world.ended(job, Outcome(error={"code": "INVALID_MEDIA", "message": "x", "retryable": False}))
    assert audited(world) == []
