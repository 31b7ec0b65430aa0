"""Erasing a job: at once for everybody who asks, for good once nothing can come back, and with a true receipt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.common.domain.records import Job
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.erasure import RETRY_MS, SECOND_LOOK_MS, Erasure
from services.common.store.leases import FencedError
from services.orchestrator.s3_events import Upload
from tests.support.api_jobs import completed, create, uploaded
from tests.support.gateway import Client, Gateway
from tests.support.world import BUCKET, World, intake_of

FORM_MS = 75 * MINUTE_MS
"""How long somebody may upload for a job, with the margin."""


def search(world: World) -> None:
    """What the sweep does for erased jobs."""
    for grave in list(world.store.tombstones.overdue(world.clock(), limit=10)):
        Erasure(world.store, world.s3, BUCKET).finish(grave, world.clock())


def told(world: World, key: str, etag: str) -> list[Job]:
    """S3 tells of an upload; returns the jobs that come of it."""
    upload = Upload(key=key, etag=etag.strip('"'), size=5, uploaded=world.clock())
    return [taken.job for taken in intake_of(world).take([upload], world.clock()) if taken.job]


def put(world: World, key: str, content: bytes = b"sound") -> str:
    """An upload; returns its ETag."""
    return world.s3.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"].strip('"')


def objects(world: World) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def grave_of(world: World, job_id: str) -> dict[str, Any]:
    """The tombstone as it is stored, which is all that is stored of the job."""
    (item,) = [
        item
        for item in world.dynamodb.scan(TableName="transcription-jobs")["Items"]
        if item["pk"]["S"] == f"JOB#{job_id}"
    ]
    return dict(item)


WITHOUT_CONTENT = {
    *("pk", "sk", "schema_version", "job_id", "client_id", "erased_at", "upload_expires_at"),
    *("receipt", "until", "expires_at", "write_id"),
}


def test_erasing_leaves_nothing_but_a_receipt(world: World, alice: Client) -> None:
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/"})
    job = completed(world, alice, callback={"url": "https://hooks.example.com/own"})
    put(world, f"results/{job.job_id}/1/transcript.txt")
    put(world, f"work/{job.job_id}/plan.json")

    receipt = alice.delete(f"/api/jobs/{job.job_id}")

    assert receipt.status == 200
    removed = receipt.json["removed"]
    assert (removed["recording"], removed["results"], removed["work"]) == (1, 1, 1)
    assert removed["records"] >= 3  # a part, an event, the callback of its own
    assert receipt.json["final"] is False
    assert objects(world) == []
    assert set(grave_of(world, job.job_id)) == WITHOUT_CONTENT | {"due_kind", "due_at"}
    assert "möte" not in json.dumps(world.dynamodb.scan(TableName="transcription-jobs")["Items"])
    assert alice.get(f"/api/jobs/{job.job_id}").status == 404
    assert alice.delete(f"/api/jobs/{job.job_id}").json == receipt.json
    assert alice.get("/api/jobs").json["jobs"] == []


@pytest.mark.parametrize("log_days", [90, None])
def test_the_receipt_says_what_ends_by_itself_and_when(world: World, log_days: int | None) -> None:
    client = Gateway(world, log_retention_days=log_days).client("alice")
    receipt = client.delete(f"/api/jobs/{create(client)['job_id']}").json

    days = {entry["what"].partition(":")[0]: entry["days"] for entry in receipt["ages_out"]}
    assert days == {
        "point-in-time backups of the table": 35,
        "logs": log_days,
        "announcements of uploads that could not be taken in": 14,
        "idempotency records": 1,
        "this receipt": 3,
    }


def test_what_a_worker_wrote_after_the_erasure_is_found_by_the_second_search(world: World, alice: Client) -> None:
    running, part = world.claimed(uploaded(world, alice))
    world.clock.pass_(FORM_MS)
    alice.delete(f"/api/jobs/{running.job_id}")
    put(world, f"results/{running.job_id}/1/transcript.txt", b"late")
    with pytest.raises(FencedError):
        world.store.leases.heartbeat(part, lease_ends=world.clock() + MINUTE_MS, on_device=True, progress=0.5)

    world.clock.pass_(SECOND_LOOK_MS)
    search(world)

    assert objects(world) == []
    assert list(world.store.tombstones.overdue(world.clock() + DAY_MS, limit=10)) == []
    receipt = alice.delete(f"/api/jobs/{running.job_id}").json
    assert (receipt["removed"]["results"], receipt["final"]) == (1, True)


def test_a_recording_that_was_replaced_meanwhile_is_another_jobs_and_stays(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    assert len(told(world, job.source_key, put(world, job.source_key, b"another"))) == 1

    assert alice.delete(f"/api/jobs/{job.job_id}").json["removed"]["recording"] == 0
    world.clock.pass_(FORM_MS)
    search(world)
    assert objects(world) == [job.source_key]


def test_s3_telling_twice_brings_no_erased_job_back(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    alice.delete(f"/api/jobs/{job.job_id}")

    assert told(world, job.source_key, job.source_etag) == []
    search(world)

    assert alice.get("/api/jobs").json["jobs"] == []
    assert set(grave_of(world, job.job_id)) == WITHOUT_CONTENT | {"due_kind", "due_at"}


def test_an_upload_for_a_job_that_was_erased_is_erased_too(world: World, alice: Client) -> None:
    job_id = create(alice)["job_id"]
    job = world.store.jobs.get(job_id)
    assert job
    alice.delete(f"/api/jobs/{job_id}")
    world.clock.pass_(50 * MINUTE_MS)  # the form is good for an hour
    assert told(world, job.source_key, put(world, job.source_key)) == []
    search(world)

    assert objects(world) == []
    receipt = alice.delete(f"/api/jobs/{job_id}").json
    assert (receipt["removed"]["recording"], receipt["final"]) == (1, False)
    world.clock.pass_(FORM_MS)
    search(world)
    assert alice.delete(f"/api/jobs/{job_id}").json["final"] is True
    assert set(grave_of(world, job_id)) == WITHOUT_CONTENT


def test_an_upload_of_which_s3_tells_nobody_goes_when_its_form_has_ended(world: World, alice: Client) -> None:
    job_id = create(alice)["job_id"]
    job = world.store.jobs.get(job_id)
    assert job
    alice.delete(f"/api/jobs/{job_id}")
    world.clock.pass_(SECOND_LOOK_MS)
    search(world)
    put(world, job.source_key)
    assert alice.delete(f"/api/jobs/{job_id}").json["final"] is False
    world.clock.pass_(FORM_MS)
    search(world)

    assert objects(world) == []
    assert alice.delete(f"/api/jobs/{job_id}").json["final"] is True
    assert set(grave_of(world, job_id)) == WITHOUT_CONTENT


def test_another_clients_upload_is_not_taken_for_an_erased_jobs(world: World, alice: Client, mallory: Client) -> None:
    job = uploaded(world, alice)
    alice.delete(f"/api/jobs/{job.job_id}")
    key = f"uploads/mallory/{job.job_id}/own.mp3"

    assert [made.client_id for made in told(world, key, put(world, key))] == ["mallory"]
    assert len(mallory.get("/api/jobs").json["jobs"]) == 1


REFUSED = {"Errors": [{"Key": "results/x", "Code": "AccessDenied"}]}


@pytest.mark.parametrize("refusal", ["for some", "for all", "for the recording"])
def test_what_could_not_be_deleted_is_looked_for_again_until_it_is_gone(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    job = uploaded(world, alice)
    put(world, f"results/{job.job_id}/1/transcript.txt")

    def refuse(**_: Any) -> Any:
        if refusal == "for some":
            return REFUSED
        raise ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Delete")  # type: ignore[typeddict-item] # what matters of it

    with monkeypatch.context() as patched:
        patched.setattr(world.s3, "delete_object" if refusal == "for the recording" else "delete_objects", refuse)
        alice.delete(f"/api/jobs/{job.job_id}")
        for _ in range(3):  # longer than a tombstone lives that nobody must see to any more
            world.clock.pass_(DAY_MS - MINUTE_MS)
            search(world)
        assert alice.delete(f"/api/jobs/{job.job_id}").json["final"] is False
        assert int(grave_of(world, job.job_id)["expires_at"]["N"]) > world.clock() // SECOND_MS
    world.clock.pass_(RETRY_MS)
    search(world)

    receipt = alice.delete(f"/api/jobs/{job.job_id}").json
    assert objects(world) == []
    assert (receipt["removed"]["recording"], receipt["removed"]["results"], receipt["final"]) == (1, 1, True)


def test_an_upload_that_comes_during_the_last_search_is_deleted_and_counted(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    alice.delete(f"/api/jobs/{job.job_id}")
    world.clock.pass_(FORM_MS)
    (seen,) = world.store.tombstones.overdue(world.clock(), limit=10)
    assert told(world, job.source_key, put(world, job.source_key, b"again")) == []
    Erasure(world.store, world.s3, BUCKET).finish(seen, world.clock())

    receipt = alice.delete(f"/api/jobs/{job.job_id}").json
    assert objects(world) == []
    assert (receipt["removed"]["recording"], receipt["final"]) == (2, True)
