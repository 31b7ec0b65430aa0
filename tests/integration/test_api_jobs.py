"""Jobs over the API, behind the real Mangum handler."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from services.common.domain.clock import MINUTE, SECOND
from services.common.domain.events import EventType
from services.common.domain.records import Job
from services.common.domain.states import JobStatus, PartStatus
from services.common.erasure import SECOND_LOOK_MS
from services.common.store.endings import Outcome
from services.common.store.parts import FencedError
from tests.support.gateway import Client
from tests.support.world import BUCKET, World


def create(client: Client, **more: Any) -> dict[str, Any]:
    reply = client.post("/api/jobs", {"file_name": "möte.mp3"} | more)
    assert reply.status == 201, reply.body
    assert reply.headers["location"] == f"/api/jobs/{reply.json['job_id']}"
    found: dict[str, Any] = reply.json
    return found


def uploaded(world: World, client: Client, **more: Any) -> Job:
    """A job whose recording has arrived: it is queued."""
    return world.arrived(create(client, **more)["job_id"])


def finished(world: World, client: Client, outcome: Outcome, **more: Any) -> Job:
    """A job that has ended so."""
    return world.ended(uploaded(world, client, **more), outcome)


FAILED = Outcome(error={"code": "INTERNAL", "message": "The device broke.", "retryable": True})


def completed(world: World, client: Client, **more: Any) -> Job:
    def file(form: str) -> dict[str, Any]:
        return {"key": f"results/x/1/transcript.{form}", "bytes": 5, "sha256": "0" * 64}

    files = {form: file(form) for form in ("txt", "json")}
    result = {"attempt": 1, "prefix": "results/x/1/", "files": files, "language": "sv", "duration_seconds": 1.5}
    return finished(world, client, Outcome(result=result, cost={"dollars": 0.01}), **more)


def test_an_upload_is_bound_to_key_type_size_and_checksum(alice: Client) -> None:
    checksum = base64.b64encode(bytes(32)).decode()
    job = create(alice, size=1234, content_type="audio/mpeg", checksum_sha256=checksum)

    policy = json.loads(base64.b64decode(job["upload"]["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1234, 1234] in policy
    assert {"Content-Type": "audio/mpeg"} in policy
    assert {"x-amz-checksum-sha256": checksum} in policy
    assert {"key": f"uploads/alice/{job['job_id']}/möte.mp3"} in policy


def test_without_a_size_an_upload_is_bound_to_the_limit(alice: Client) -> None:
    policy = json.loads(base64.b64decode(create(alice)["upload"]["fields"]["policy"]))["conditions"]

    assert ["content-length-range", 0, 5_000_000_000] in policy


def test_options_are_kept_as_they_were_given(world: World, alice: Client) -> None:
    options = {"language": "en", "style": "strict", "hotwords": "Åsa, Örjan", "words": True, "formats": ["json", "srt"]}
    job = create(alice, options=options)

    assert job["options"] == options
    stored = world.store.jobs.get(job["job_id"])
    assert stored is not None
    assert stored.options == options


def test_a_model_that_the_deployment_does_not_hold_is_refused_by_name(alice: Client) -> None:
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"model": "KBLab/kb-whisper-large"}})

    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "MODEL_UNAVAILABLE", "model")


def test_a_job_says_how_it_stands(world: World, alice: Client) -> None:
    job = completed(world, alice)
    view = alice.get(f"/api/jobs/{job.job_id}").json

    assert (view["status"], view["result"]["language"], view["cost"]) == ("completed", "sv", {"dollars": 0.01})
    assert view["result"]["files"]["txt"]["result_url"] == f"/api/jobs/{job.job_id}/transcript?format=txt"
    assert "results/" not in json.dumps(view)


def test_jobs_are_listed_newest_first_page_by_page(world: World, alice: Client, mallory: Client) -> None:
    made = []
    for _ in range(5):
        made.append(create(alice)["job_id"])
        world.clock.pass_(SECOND)
    create(mallory)

    seen: list[str] = []
    after = ""
    while True:
        page = alice.get(f"/api/jobs?limit=2{after}").json
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == made[::-1]


def test_a_transcript_is_a_redirect_to_a_fresh_link(world: World, alice: Client) -> None:
    job = completed(world, alice)
    reply = alice.get(f"/api/jobs/{job.job_id}/transcript?format=json")

    assert reply.status == 302
    assert "results/x/1/transcript.json?" in reply.headers["location"]
    assert "X-Amz-Signature=" in reply.headers["location"]
    assert "Authorization" in reply.json["hint"]


def test_a_client_that_keeps_its_headers_gets_the_link_as_json(world: World, alice: Client) -> None:
    job = completed(world, alice)
    reply = alice.get(f"/api/jobs/{job.job_id}/transcript?redirect=false")

    assert reply.status == 200
    assert "location" not in reply.headers
    assert "transcript.txt" in reply.json["url"]


def test_there_is_no_transcript_before_the_job_is_completed(world: World, alice: Client) -> None:
    queued_job = uploaded(world, alice)
    done = completed(world, alice)

    assert alice.get(f"/api/jobs/{queued_job.job_id}/transcript").json["code"] == "NOT_COMPLETED"
    missing = alice.get(f"/api/jobs/{done.job_id}/transcript?format=srt")
    assert (missing.status, missing.json["code"]) == (404, "NO_SUCH_FORMAT")


def test_a_queued_job_that_is_canceled_leaves_the_queue_and_says_so(world: World, alice: Client) -> None:
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/", "events": ["transcription.canceled"]})
    job = uploaded(world, alice)
    reply = alice.post(f"/api/jobs/{job.job_id}/cancel")

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert list(world.store.parts.queue()) == []
    assert [one.event_type for one in world.store.deliveries.of_job(job.job_id)] == ["transcription.canceled"]


def test_a_worker_meets_the_fence_when_its_job_is_canceled(world: World, alice: Client) -> None:
    running, part = world.claimed(uploaded(world, alice))
    assert alice.post(f"/api/jobs/{running.job_id}/cancel").status == 200

    with pytest.raises(FencedError):
        world.store.parts.heartbeat(part, lease_ends=world.clock() + MINUTE, on_device=True, progress=0.5)


def test_canceling_twice_is_canceling_once(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    alice.post(f"/api/jobs/{job.job_id}/cancel")
    again = alice.post(f"/api/jobs/{job.job_id}/cancel")

    assert (again.status, again.json["status"]) == (200, "canceled")


def test_a_job_that_has_ended_cannot_be_canceled(world: World, alice: Client) -> None:
    reply = alice.post(f"/api/jobs/{completed(world, alice).job_id}/cancel")

    assert (reply.status, reply.json["code"]) == (409, "ALREADY_ENDED")


def test_an_awaited_upload_can_be_canceled_and_is_not_expired_later(world: World, alice: Client) -> None:
    job_id = create(alice)["job_id"]
    assert alice.post(f"/api/jobs/{job_id}/cancel").json["status"] == "canceled"

    assert list(world.store.jobs.overdue_uploads(world.clock() + 100 * MINUTE, 10)) == []


def test_a_failed_job_is_queued_again_under_a_new_generation(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    reply = alice.post(f"/api/jobs/{job.job_id}/retry")

    assert (reply.status, reply.json["status"], reply.json["error"]) == (202, "queued", None)
    (part,) = world.store.parts.queue()
    assert (part.status, part.attempt, part.deaths) == (PartStatus.QUEUED, 1, 0)
    again = world.store.jobs.get(job.job_id)
    assert again is not None
    assert again.generation == 1
    _, mine = world.claimed(again)
    assert mine.attempt == 2


def test_only_a_failed_job_is_retried(world: World, alice: Client) -> None:
    reply = alice.post(f"/api/jobs/{completed(world, alice).job_id}/retry")

    assert (reply.status, reply.json["code"]) == (409, "NOT_FAILED")


def test_a_retry_that_is_sent_twice_under_one_key_happens_once(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    first = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")
    second = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")

    assert (first.status, second.status) == (202, 202)
    again = world.store.jobs.get(job.job_id)
    assert again is not None
    assert again.generation == 1


def test_a_new_key_does_not_make_a_retry_of_what_has_not_failed(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")
    reply = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-2")

    assert (reply.status, reply.json["code"]) == (409, "NOT_FAILED")


def test_erasing_leaves_nothing_but_a_receipt(world: World, alice: Client) -> None:
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/"})
    job = completed(world, alice, callback={"url": "https://hooks.example.com/own"})
    world.s3.put_object(Bucket=BUCKET, Key=f"results/{job.job_id}/1/transcript.txt", Body=b"text")
    world.s3.put_object(Bucket=BUCKET, Key=f"work/{job.job_id}/plan.json", Body=b"{}")

    receipt = alice.delete(f"/api/jobs/{job.job_id}")

    assert receipt.status == 200
    assert (receipt.json["objects"], receipt.json["final"]) == (3, False)
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    left = world.dynamodb.scan(TableName="transcription-jobs")["Items"]
    (grave,) = [item for item in left if item["pk"]["S"] == f"JOB#{job.job_id}"]
    assert set(grave) == {
        *("pk", "sk", "schema_version", "job_id", "client_id", "erased_at", "receipt", "expires_at", "write_id"),
        *("due_kind", "due_at"),
    }
    assert "möte" not in json.dumps(left)
    assert alice.get(f"/api/jobs/{job.job_id}").status == 404
    assert alice.delete(f"/api/jobs/{job.job_id}").json == receipt.json
    assert alice.get("/api/jobs").json["jobs"] == []


def test_what_a_worker_wrote_after_the_erasure_is_found_by_the_second_search(world: World, alice: Client) -> None:
    running, part = world.claimed(uploaded(world, alice))
    alice.delete(f"/api/jobs/{running.job_id}")
    world.s3.put_object(Bucket=BUCKET, Key=f"results/{running.job_id}/1/transcript.txt", Body=b"late")
    with pytest.raises(FencedError):
        world.store.parts.heartbeat(part, lease_ends=world.clock() + MINUTE, on_device=True, progress=0.5)

    world.clock.pass_(SECOND_LOOK_MS)
    (grave,) = world.store.tombstones.overdue(world.clock(), limit=10)
    alice_gateway = alice.gateway.app.state.service()
    alice_gateway.erasure.finish(grave, world.clock())

    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert list(world.store.tombstones.overdue(world.clock() + SECOND_LOOK_MS, limit=10)) == []
    receipt = alice.delete(f"/api/jobs/{running.job_id}").json
    assert (receipt["objects"], receipt["final"]) == (2, True)


def test_a_recording_that_was_replaced_meanwhile_is_another_jobs_and_stays(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    world.s3.put_object(Bucket=BUCKET, Key=job.source_key, Body=b"another")

    assert alice.delete(f"/api/jobs/{job.job_id}").json["objects"] == 0
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_a_callback_for_one_job_hears_of_that_job_alone(world: World, alice: Client) -> None:
    reply = create(alice, callback={"url": "https://hooks.example.com/own", "events": ["transcription.queued"]})
    assert reply["callback"]["secret"].startswith("whsec_")
    job = world.store.jobs.get(reply["job_id"])
    assert job is not None

    (heard,) = world.announced(job, EventType.QUEUED).deliveries
    assert (heard.callback_id, heard.own_callback) == (reply["callback"]["callback_id"], True)
    other = uploaded(world, alice)
    assert world.announced(other, EventType.QUEUED).deliveries == ()
    assert alice.get("/api/callbacks").json["callbacks"] == []


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_the_feed_holds_every_event_once_the_lag_is_over(world: World, alice: Client, status: JobStatus) -> None:
    job = completed(world, alice) if status is JobStatus.COMPLETED else finished(world, alice, FAILED)
    assert alice.get("/api/events").json == {"events": [], "next": None}
    world.clock.pass_(6 * SECOND)

    feed = alice.get("/api/events").json
    kinds = {event["type"] for event in feed["events"]}
    assert kinds == {"transcription.queued", f"transcription.{status.value}"}
    assert feed["events"][0]["body"]["data"]["job_id"] == job.job_id
    assert alice.get(f"/api/events?after={feed['next']}").json == {"events": [], "next": feed["next"]}


def test_the_feed_goes_on_where_it_was_left(world: World, alice: Client) -> None:
    uploaded(world, alice)
    world.clock.pass_(6 * SECOND)
    cursor = alice.get("/api/events?limit=1").json["next"]
    later = uploaded(world, alice)
    world.clock.pass_(6 * SECOND)

    (event,) = alice.get(f"/api/events?after={cursor}").json["events"]
    assert event["job_id"] == later.job_id
